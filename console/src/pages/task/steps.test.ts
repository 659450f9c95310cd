import { expect, test } from 'vitest'
import type { Schemas } from '@/api/client'
import { spanOf, stepsOf } from './steps'

const START = Date.UTC(2026, 0, 1)
const line = (id: number, second: number, event: string, data: object, attempt = 1) =>
  ({
    id,
    created_at: new Date(START + second * 1000).toISOString(),
    event: `dify.${event}`,
    data,
    attempt,
  }) as Schemas['LogDocument']

test('a step is from its start as long as the upstream says', () => {
  const lines = [
    line(1, 0, 'node.started', { node_id: 'a', title: 'A', node_type: 'llm' }),
    line(2, 2.5, 'node.finished', { node_id: 'a', title: 'A', elapsed_time: 2.4, tokens: 7 }),
    line(3, 2.5, 'node.started', { node_id: 'b', title: 'B' }),
  ]
  const steps = stepsOf(lines, 1)
  expect(steps.map(({ title, from, to, tokens }) => [title, from - START, to && to - START, tokens])).toEqual([
    ['A', 0, 2400, 7],
    ['B', 2500, null, null],
  ])
  expect(spanOf(steps, START + 9000)).toEqual({ from: START, to: START + 9000 })
})

test('a node that runs again in a loop is another step, and other attempts do not count', () => {
  const again = [0, 1].flatMap((round) => [
    line(10 + round * 2, round, 'node.started', { node_id: 'a' }),
    line(11 + round * 2, round + 0.5, 'node.failed', { node_id: 'a', elapsed_time: 0.5 }),
  ])
  const steps = stepsOf([...again, line(20, 5, 'node.started', { node_id: 'c' }, 2)], 1)
  expect(steps.map(({ title, failed }) => [title, failed])).toEqual([
    ['a', true],
    ['a', true],
  ])
})
