import { expect, test } from 'vitest'
import { changedCaps, effectsOf, overridden, undoOf, type Limit } from './changes'

const override = { values: {}, until: null, mode_until: null, by: 'ann', at: null, reason: '' }
const limit = (change: Partial<Limit> = {}): Limit => ({
  scope: 'type:a',
  label: 'type:a',
  mode: 'open',
  max_running: 6,
  rate: null,
  burst: 1,
  max_pending: null,
  baseline: { max_running: 6 },
  override: null,
  in_flight: 4,
  unaccounted: 0,
  waiting: 9,
  starts_left: null,
  next_start_at: null,
  ceiling: null,
  held_by: {},
  ...change,
})

test('only what differs is sent', () => {
  expect(changedCaps(limit(), { max_running: 6, rate: '5/s', burst: 1, max_pending: null })).toEqual({ rate: '5/s' })
  expect(changedCaps(limit(), { max_running: null, rate: null, burst: 1, max_pending: null })).toEqual({
    max_running: null,
  })
})

test.each([
  [{ max_running: 3 }, [{ say: 'effectOver', values: { used: 4, cap: 3 } }]],
  [{ max_running: 8 }, [{ say: 'effectStarts', values: { count: 4 } }]],
  [{ max_running: null }, [{ say: 'effectStarts', values: { count: 9 } }]],
  [{ max_running: 4 }, []],
  [{ max_pending: 5 }, [{ say: 'effectRefuses', values: { waiting: 9, cap: 5 } }]],
])('what %j does', (change, effects) => {
  expect(effectsOf(limit(), change)).toEqual(effects)
})

test('what somebody set to what is defined is no change', () => {
  expect(overridden(limit({ override: { ...override, values: { max_running: 6, burst: 4 } } }))).toEqual(['burst'])
})

test('a first change is undone by a reset', () => {
  const after = limit({ max_running: 3, override: { ...override, values: { max_running: 3 } } })
  expect(undoOf(limit(), after)).toEqual([{ kind: 'reset' }])
})

test('undoing a change in a paused scope does not open it for a moment', () => {
  const before = limit({ mode: 'paused', override: { ...override } })
  const after = limit({ mode: 'paused', max_running: 3, override: { ...override, values: { max_running: 3 } } })
  expect(undoOf(before, after)).toEqual([{ kind: 'change', values: { max_running: 6 }, until: null }])
})

test('undoing a reset brings pause and caps back, for as long as they would have held', () => {
  const until = '2030-01-01T00:00:00Z'
  const before = limit({
    mode: 'drained',
    max_running: 2,
    override: { ...override, values: { max_running: 2 }, until, mode_until: until },
  })
  expect(undoOf(before, limit())).toEqual([
    { kind: 'mode', mode: 'draining', until },
    { kind: 'change', values: { max_running: 2 }, until },
  ])
})

test('undoing a resume pauses again and leaves the caps alone', () => {
  const values = { max_running: 2 }
  const before = limit({ mode: 'paused', max_running: 2, override: { ...override, values } })
  const after = limit({ mode: 'open', max_running: 2, override: { ...override, values } })
  expect(undoOf(before, after)).toEqual([{ kind: 'mode', mode: 'paused', until: null }])
})
