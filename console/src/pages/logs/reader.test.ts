import { expect, test } from 'vitest'
import { LogReader, type Line, type PageQuery, type Reading } from './reader'

const START = Date.parse('2026-01-01T00:00:00Z')
const SIZE = 10

/** A log of so many lines, one a second, that is asked as the service is. */
function aLog(count: number) {
  const lines = Array.from({ length: count }, (_, id) => line(id + 1))
  const asked: PageQuery[] = []
  const ask = (query: PageQuery) => {
    asked.push(query)
    const { order, from, to, cursor } = query
    let found = lines.filter((one) => !from || Date.parse(one.created_at) >= Date.parse(from))
    found = found.filter((one) => !to || Date.parse(one.created_at) < Date.parse(to))
    if (order === 'newest') found = [...found].reverse()
    const behind = Number(cursor ?? 0)
    if (behind) found = found.filter(({ id }) => (order === 'newest' ? id < behind : id > behind))
    const items = found.slice(0, SIZE)
    const more = found.length > SIZE
    return Promise.resolve({ items, next_cursor: more ? String(items.at(-1)?.id) : null, reached: null })
  }
  return { lines, asked, ask }
}

function line(id: number): Line {
  const created_at = new Date(START + id * 1000).toISOString()
  return { id, created_at, level: 'info', event: 'x', message: `line ${id}`, attempt: 1, data: null } as Line
}

function reading(ask: ReturnType<typeof aLog>['ask'], bounds = {}) {
  let seen: Reading | undefined
  const reader = new LogReader(ask, bounds, (state) => (seen = state))
  const ids = () => seen?.lines.map(({ id }) => id) ?? []
  return { reader, ids, state: () => seen }
}

test('it begins at the end, and grows to the past until all is there', async () => {
  const log = aLog(25)
  const { reader, ids, state } = reading(log.ask)
  await reader.start()
  expect([ids()[0], ids().at(-1), state()?.older]).toEqual([16, 25, 'more'])
  await reader.older()
  await reader.older()
  expect([ids()[0], ids().length, state()?.older]).toEqual([1, 25, 'end'])
})

test('it follows: new lines once, and one that became visible late', async () => {
  const log = aLog(20)
  const late = log.lines.splice(18, 1)[0]
  const { reader, ids } = reading(log.ask)
  await reader.start()
  log.lines.push(line(21), line(22))
  if (late) log.lines.splice(18, 0, late)
  await reader.newer()
  expect(ids().slice(-4)).toEqual([19, 20, 21, 22])
  expect(new Set(ids()).size).toBe(ids().length)
})

test('it begins at a moment, and grows to both sides', async () => {
  const log = aLog(60)
  const { reader, ids, state } = reading(log.ask, { at: new Date(START + 30_000).toISOString() })
  await reader.start()
  expect([ids()[0], ids().at(-1), state()?.newer]).toEqual([30, 60, 'end'])
  await reader.older()
  expect(ids()[0]).toBe(20)
})

test('what fails is told, and the next try goes on', async () => {
  const log = aLog(5)
  let fails = true
  const { reader, ids, state } = reading((query) => (fails ? Promise.reject(new Error('away')) : log.ask(query)))
  await reader.start()
  expect(state()?.error).toEqual(new Error('away'))
  fails = false
  await reader.older()
  expect([state()?.error, ids().length]).toEqual([null, 5])
})
