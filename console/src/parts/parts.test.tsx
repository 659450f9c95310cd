import { render, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { changed } from './urlState'
import { durationInWords } from './Duration'
import { relativeTime } from './Moment'
import { SafeText } from './SafeText'

test('text from outside cannot turn or hide the text around it', () => {
  const { container } = render(<SafeText text={'<script>x</script>\u202egnp.exe\u001b[31m'} />)
  expect(container.querySelector('script')).toBeNull()
  expect(container.textContent).toBe('<script>x</script>U+202Egnp.exeESC[31m')
  expect(screen.getByText('U+202E').className).toBe('sneaky')
})

test('plain text, Chinese and emoji stay as they are', () => {
  const text = '订单 42 👩‍💻\n\tdone'
  expect(render(<SafeText text={text} />).container.textContent).toBe(text)
})

test('another filter leads to the first page', () => {
  const before = new URLSearchParams('status=failed&q=a&cursor=x')
  expect(changed(before, { q: 'b' }).toString()).toBe('status=failed&q=b')
  expect(changed(before, { status: ['failed', 'pending'], q: null }).toString()).toBe('status=failed&status=pending')
  expect(changed(before, { cursor: 'y' }).get('cursor')).toBe('y')
})

test.each([
  [0.0124, 'ms n=12'],
  [3.24, 'seconds n=3.2'],
  [59.7, 'seconds n=60'],
  [72, 'minutes n=1 seconds n=12'],
  [300, 'minutes n=5'],
  [3600 * 5 + 90, 'hours n=5 minutes n=1'],
  [3600, 'hours n=1'],
  [3605, 'hours n=1'],
  [86_400 * 2 + 3700, 'days n=2 hours n=1'],
])('%d seconds', (seconds, expected) => {
  const say = (key: string, values?: object) =>
    [key, ...Object.entries(values ?? {}).map(([name, value]) => `${name}=${value}`)].join(' ')
  expect(durationInWords(seconds, say, 'en')).toBe(expected)
})

test('relative times in both languages', () => {
  expect(relativeTime(-1200, 'en')).toBe('')
  expect(relativeTime(-90_000, 'en')).toBe('1 min. ago')
  expect(relativeTime(2 * 3600_000, 'zh')).toBe('2小时后')
})
