import { expect, test } from 'vitest'
import { roleOf, stateOf } from './rights'

const now = Date.parse('2026-01-01T00:00:00Z')

test.each([
  [null, null, 'good'],
  [null, '2026-01-01T00:00:01Z', 'good'],
  [null, '2026-01-01T00:00:00Z', 'expired'],
  ['2025-12-01T00:00:00Z', null, 'revoked'],
  ['2025-12-01T00:00:00Z', '2025-01-01T00:00:00Z', 'revoked'],
] as const)('revoked %s, expires %s: %s', (revoked_at, expires_at, state) => {
  expect(stateOf({ revoked_at, expires_at }, now)).toBe(state)
})

test('a role is known by its rights', () => {
  expect(roleOf(['definitions:read', 'events:read', 'tasks:read'])).toBe('viewer')
  expect(roleOf(['tasks:read'])).toBeUndefined()
  expect(roleOf([])).toBeUndefined()
})
