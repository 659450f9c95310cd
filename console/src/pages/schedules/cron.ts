/** A cron expression as parts that can be said in any language; null: this reader does not know how to say it. */
export interface CronParts {
  readonly time: Time
  readonly days: Days
  /** 1 to 12; empty: every month. */
  readonly months: readonly number[]
}

export type Time =
  | { kind: 'minutely' }
  | { kind: 'everyMinutes'; step: number; hours: readonly number[] | null }
  | { kind: 'hourly'; minutes: readonly number[]; step: number }
  | { kind: 'at'; times: readonly string[] }
  | { kind: 'grid'; minutes: readonly number[]; hours: readonly number[] }

export interface Days {
  /** Days of the month, `L`, `LW`; empty: any. */
  readonly month: readonly (number | 'L' | 'LW')[]
  /** 0 is Sunday; `nth`: which of the month, -1 the last; empty: any. */
  readonly week: readonly { day: number; nth: number | null }[]
  /** True if both must hold; else one is enough. */
  readonly both: boolean
}

const SHORT: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
const MOST_TIMES = 8

export function readCron(text: string): CronParts | null {
  const fields = (SHORT[text.trim().toLowerCase()] ?? text.trim()).split(/\s+/)
  if (fields.length !== 5) return null
  const [minute = '', hour = '', dom = '', month = '', dow = ''] = fields
  const time = timeOf(minute, hour)
  const month_ = daysOfMonth(dom)
  const week = daysOfWeek(dow)
  const months = month === '*' ? [] : numbers(month, 1, 12, MONTHS)
  if (!time || !month_ || !week || !months) return null
  return { time, days: { month: month_, week, both: dom.startsWith('*') || dow.startsWith('*') }, months }
}

function timeOf(minute: string, hour: string): Time | null {
  const minutes = numbers(minute, 0, 59)
  const hours = numbers(hour, 0, 23)
  if (!minutes || !hours) return null
  const step = stepOf(minute)
  if (step !== null && (hour === '*' || hours.length > 1)) {
    if (step === 1 && hour === '*') return { kind: 'minutely' }
    if (60 % step === 0) return { kind: 'everyMinutes', step, hours: hour === '*' ? null : hours }
  }
  const each = stepOf(hour)
  if (each !== null && 24 % each === 0) return { kind: 'hourly', minutes, step: each }
  if (minutes.length * hours.length <= MOST_TIMES) {
    const two = (n: number) => String(n).padStart(2, '0')
    return { kind: 'at', times: hours.flatMap((h) => minutes.map((m) => `${two(h)}:${two(m)}`)) }
  }
  return { kind: 'grid', minutes, hours }
}

/** 1 for `*`, n for `*` with a step. */
function stepOf(field: string): number | null {
  if (field === '*') return 1
  const found = /^\*\/(\d+)$/.exec(field)
  return found ? Number(found[1]) : null
}

function daysOfMonth(field: string): Days['month'] | null {
  if (field === '*') return []
  const found: (number | 'L' | 'LW')[] = []
  for (const part of field.toUpperCase().split(',')) {
    const days = numbers(part, 1, 31)
    if (part === 'L' || part === 'LW') found.push(part)
    else if (days) found.push(...days)
    else return null
  }
  return found
}

function daysOfWeek(field: string): Days['week'] | null {
  if (field === '*') return []
  const found: { day: number; nth: number | null }[] = []
  for (const part of field.toUpperCase().split(',')) {
    const last = /^(\w+)L$/.exec(part)
    const nth = /^(\w+)#([1-5])$/.exec(part)
    const name = last?.[1] ?? nth?.[1] ?? part
    const days = numbers(name, 0, 7, DAYS)
    if (!days) return null
    const which = last ? -1 : nth ? Number(nth[2]) : null
    for (const day of days) found.push({ day: day % 7, nth: which })
  }
  const same = (one: (typeof found)[number], index: number) =>
    found.findIndex(({ day, nth }) => day === one.day && nth === one.nth) === index
  return found.filter(same)
}

/** The numbers that a field stands for, in order; null if it is no such field. */
function numbers(field: string, least: number, most: number, names: readonly string[] = []): number[] | null {
  const found = new Set<number>()
  for (const part of field.toUpperCase().split(',')) {
    const match = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part)
    if (!match) return null
    const [, from = '', to, step] = match
    const first = from === '*' ? least : valueOf(from, least, names)
    const last = to !== undefined ? valueOf(to, least, names) : from === '*' || step !== undefined ? most : first
    const by = step === undefined ? 1 : Number(step)
    if (first === null || last === null || first < least || last > most || first > last || by < 1) return null
    for (let n = first; n <= last; n += by) found.add(n)
  }
  return [...found].sort((one, other) => one - other)
}

function valueOf(text: string, least: number, names: readonly string[]): number | null {
  if (/^\d+$/.test(text)) return Number(text)
  const at = names.indexOf(text)
  return at < 0 ? null : at + (least === 1 ? 1 : 0)
}
