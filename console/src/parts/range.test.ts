import { expect, test } from 'vitest'
import { boundsOf, rangeOf } from './range'

const asked = (text: string) => {
  const params = new URLSearchParams(text)
  return rangeOf({ one: (name) => params.get(name) ?? undefined })
}

test('a span ends now', () => {
  expect(boundsOf(asked('last=15m'), Date.parse('2026-01-01T00:15:00Z'))).toEqual({ after: '2026-01-01T00:00:00.000Z' })
})

test('two moments are taken as they are, and what is none is left out', () => {
  expect(boundsOf(asked('after=2026-01-01T00:00:00Z&before=yesterday'))).toEqual({
    after: '2026-01-01T00:00:00Z',
    before: undefined,
  })
  expect(asked('last=constructor').span).toBeUndefined()
})
