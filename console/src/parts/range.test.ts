import { expect, test } from 'vitest'
import { boundsOf, rangeOf } from './range'

const asked = (text: string, prefix?: string) => {
  const params = new URLSearchParams(text)
  return rangeOf({ one: (name) => params.get(name) ?? undefined }, prefix)
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

test('a page may have two ranges', () => {
  expect(asked('last=15m&ended_last=6h', 'ended_').span).toBe('6h')
  expect(asked('last=15m&ended_after=2026-01-01T00:00:00Z', 'ended_')).toEqual({
    span: undefined,
    after: '2026-01-01T00:00:00Z',
    before: undefined,
  })
})
