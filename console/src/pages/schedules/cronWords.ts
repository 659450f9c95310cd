import type { Say } from '@/words/words'
import { readCron, type CronParts, type Days, type Time } from './cron'
import type { scheduleWords } from './words'

type ScheduleSay = Say<(typeof scheduleWords)['en']>

const NTH = { '-1': 'nthLast', 1: 'nth1', 2: 'nth2', 3: 'nth3', 4: 'nth4', 5: 'nth5' } as const
const ANY_SUNDAY = Date.UTC(2023, 0, 1)
const DAY = 86_400_000

/** A cron expression as a sentence; null if nothing sensible can be said. */
export function cronInWords(text: string, say: ScheduleSay, language: string): string | null {
  const parts = readCron(text)
  if (parts === null) return null
  const time = timeInWords(parts.time, say, language)
  const days = daysInWords(parts.days, say, language)
  if (parts.months.length === 0) {
    // "every minute, every day" says nothing that "every minute" does not
    const often = parts.time.kind !== 'at' && parts.time.kind !== 'grid'
    const any = parts.days.month.length + parts.days.week.length === 0
    return often && any ? time : say('sentence', { time, days })
  }
  return say('sentenceMonths', { time, days, months: say('inMonths', { months: monthsInWords(parts, language) }) })
}

function timeInWords(time: Time, say: ScheduleSay, language: string): string {
  switch (time.kind) {
    case 'minutely':
      return say('minutely')
    case 'everyMinutes': {
      const often = time.step === 1 ? say('minutely') : say('everyMinutes', { n: time.step })
      return time.hours === null ? often : say('inHours', { time: often, hours: listed(ranged(time.hours), language) })
    }
    case 'hourly': {
      const minutes = listed(ranged(time.minutes), language)
      return time.step === 1 ? say('hourlyAt', { minutes }) : say('hoursAt', { n: time.step, minutes })
    }
    case 'at':
      return say('atTimes', { times: listed(time.times, language) })
    case 'grid':
      return say('grid', {
        minutes: listed(ranged(time.minutes), language),
        hours: listed(ranged(time.hours), language),
      })
  }
}

function daysInWords({ month, week, both }: Days, say: ScheduleSay, language: string): string {
  const ofMonth = month.length ? monthDays(month, say, language) : null
  const ofWeek = week.length ? weekDays(week, say, language) : null
  if (ofMonth && ofWeek) return say(both ? 'bothDays' : 'eitherDays', { one: ofMonth, other: ofWeek })
  const days = ofMonth ?? ofWeek
  return days === null ? say('everyDay') : say('onDays', { days })
}

function monthDays(days: Days['month'], say: ScheduleSay, language: string): string {
  const plain = days.filter((day): day is number => typeof day === 'number')
  const said = plain.length ? [say('dayOfMonth', { days: listed(ranged(plain), language) })] : []
  if (days.includes('L')) said.push(say('lastDay'))
  if (days.includes('LW')) said.push(say('lastWeekday'))
  return listed(said, language)
}

function weekDays(days: Days['week'], say: ScheduleSay, language: string): string {
  const name = (day: number) =>
    new Intl.DateTimeFormat(language, { weekday: 'long', timeZone: 'UTC' }).format(ANY_SUNDAY + day * DAY)
  const plain = days.filter(({ nth }) => nth === null).map(({ day }) => day)
  const monday = (day: number) => (day + 6) % 7
  const order = [...plain].sort((one, other) => monday(one) - monday(other))
  const said = ranged(order.map(monday), (day) => name((day + 1) % 7))
  for (const { day, nth } of days) {
    if (nth !== null) said.push(say('nthDay', { nth: say(NTH[String(nth) as keyof typeof NTH]), day: name(day) }))
  }
  return listed(said, language)
}

function monthsInWords({ months }: CronParts, language: string): string {
  const name = (month: number) =>
    new Intl.DateTimeFormat(language, { month: 'long', timeZone: 'UTC' }).format(Date.UTC(2023, month - 1, 1))
  return listed(ranged(months, name), language)
}

/** Three or more in a row as a range. */
function ranged(numbers: readonly number[], show: (n: number) => string = String): string[] {
  const runs: number[][] = []
  for (const n of numbers) {
    const run = runs.at(-1)
    if (run && n === (run.at(-1) ?? 0) + 1) run.push(n)
    else runs.push([n])
  }
  return runs.flatMap((run) => (run.length > 2 ? [`${show(run[0] ?? 0)}–${show(run.at(-1) ?? 0)}`] : run.map(show)))
}

function listed(words: readonly string[], language: string): string {
  return new Intl.ListFormat(language, { type: 'conjunction' }).format(words)
}
