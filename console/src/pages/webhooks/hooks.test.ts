import { expect, test } from 'vitest'
import { lastOf, troubled, without, type Hook } from './hooks'

const hook = (received: Hook['received']) => ({ received }) as Hook
const at = (last_at: string) => ({ number: 1, last_at })

test('trouble is what came after the last good message', () => {
  const [early, late] = [at('2026-01-01T00:00:00Z'), at('2026-01-02T00:00:00+08:00')]
  expect(troubled(hook({}))).toBe(false)
  expect(troubled(hook({ accepted: early, bad_signature: late }))).toBe(true)
  expect(troubled(hook({ accepted: late, bad_signature: early }))).toBe(false)
  expect(troubled(hook({ repeated: late, unmapped: early }))).toBe(true)
})

test('the last message is the latest by time, not by text', () => {
  const found = hook({ accepted: at('2026-01-02T00:00:00+08:00'), refused: at('2026-01-01T23:00:00Z') })
  expect(lastOf(found)).toBe('2026-01-01T23:00:00Z')
  expect(lastOf(hook({}))).toBeNull()
})

test('a mapping is shown without what it leaves out', () => {
  expect(without({ type: 'a', source: null, id: { cel: 'body.id' } })).toEqual({ type: 'a', id: { cel: 'body.id' } })
})
