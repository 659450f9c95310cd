import { expect, test } from 'vitest'
import { draftOf, EMPTY, scheduleOf, spanOf } from './draft'

test('a schedule goes through the form and means the same', () => {
  const nightly = {
    name: 'nightly',
    cron: '30 2 * * *',
    time_zone: 'Asia/Shanghai',
    jitter: 30,
    misfire_after: 60,
    event: { type: 'com.example.night', subject: null, data: { depth: 'full' } },
  }
  expect(scheduleOf(draftOf(nightly))).toMatchObject({ ...nightly, jitter: '30s', misfire_after: '1m', every: null })
  const launch = { name: 'launch', at: '2027-01-01T00:00:00.000Z' }
  expect(scheduleOf(draftOf(launch))).toMatchObject({ ...launch, cron: null, every: null, time_zone: 'UTC' })
})

test('only the fields of the chosen kind are sent', () => {
  const draft = { ...EMPTY, name: 'a', kind: 'every' as const, time_zone: 'Asia/Shanghai', every: ' 5m ' }
  expect(scheduleOf(draft)).toMatchObject({ every: '5m', cron: null, at: null, time_zone: 'UTC' })
})

test.each([
  [90, '90s'],
  [300, '5m'],
  [5400, '90m'],
  [7200, '2h'],
  [172_800, '2d'],
  [0.5, '0.5s'],
])('%d seconds', (seconds, text) => expect(spanOf(seconds)).toBe(text))
