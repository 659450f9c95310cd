import { expect, test } from 'vitest'
import type { Schemas } from '@/api/client'
import { phasesOf, piecesOf, totalsOf } from './phases'

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

const piece = (kind: string, from: number, to: number) => ({
  kind,
  scope: kind === 'turn' ? 'task' : 'connection:main',
  began_at: at(from),
  ended_at: at(to),
})
const waited = { kind: 'phaseWaits' as const, from: Date.parse(at(0)), to: Date.parse(at(10)) }

test('a wait is split by what held the task, and an attempt is not', () => {
  const pieces = [piece('turn', 0, 2), piece('full', 2, 8), piece('turn', 8, 30)]
  expect(piecesOf(waited, pieces).map(({ kind, from, to }) => [kind, (to - from) / 1000])).toEqual([
    ['turn', 2],
    ['full', 6],
    ['turn', 2],
  ])
  expect(piecesOf({ ...waited, attempt: attempt(1, 0, 10, 'completed') }, pieces)).toEqual([])
})

test('a wait that nothing held for a whole second stays whole', () => {
  expect(piecesOf(waited, [piece('turn', 0, 10)])).toEqual([])
  expect(piecesOf(waited, [piece('full', 0, 0.5), piece('turn', 0.5, 10)])).toEqual([])
})

test('the same cause counts together, the longest first', () => {
  const pieces = piecesOf(waited, [piece('full', 0, 2), piece('turn', 2, 5), piece('full', 5, 10)])
  expect(totalsOf(pieces)).toEqual([
    { kind: 'full', scope: 'connection:main', seconds: 7 },
    { kind: 'turn', scope: 'task', seconds: 3 },
  ])
})
