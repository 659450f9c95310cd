import { expect, test } from 'vitest'
import type { Schemas } from '@/api/client'
import { phasesOf } from './phases'

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString()
const attempt = (number: number, from: number, to: number | null, outcome: Schemas['AttemptOutcome'] | null) =>
  ({ number, started_at: at(from), finished_at: to === null ? null : at(to), outcome }) as Schemas['AttemptDocument']
const life = (over: object) => ({
  created_at: at(0),
  run_at: at(0),
  finished_at: null,
  status: 'pending' as const,
  attempts: [],
  ...over,
})
const seen = (over: object, now = 100) =>
  phasesOf(life(over), Date.parse(at(now))).map(({ kind, from, to }) => [kind, (to - from) / 1000])

test('what has not begun waits', () => {
  expect(seen({})).toEqual([['phaseWaits', 100]])
})

test('what is to run later is scheduled first', () => {
  expect(seen({ run_at: at(60) })).toEqual([
    ['phaseScheduled', 60],
    ['phaseWaits', 40],
  ])
  expect(seen({ run_at: at(500) })).toEqual([['phaseScheduled', 100]])
})

test('attempts and what lay between them, without gaps', () => {
  const attempts = [attempt(1, 3, 13, 'failed'), attempt(2, 15, 20, 'asked'), attempt(3, 80, 90, 'completed')]
  expect(seen({ attempts, run_at: at(14), finished_at: at(90) })).toEqual([
    ['phaseWaits', 3],
    ['phaseRuns', 10],
    ['phasePause', 2],
    ['phaseRuns', 5],
    ['phasePerson', 60],
    ['phaseRuns', 10],
  ])
})

test('what runs, runs until now', () => {
  expect(seen({ attempts: [attempt(1, 1, null, null)] })).toEqual([
    ['phaseWaits', 1],
    ['phaseRuns', 99],
  ])
})
