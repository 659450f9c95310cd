import { parsed } from '@/parts/JsonInput'
import type { Definition } from './schedules'

export type Kind = 'cron' | 'every' | 'at'

/** A schedule as a form has it. */
export interface Draft {
  name: string
  description: string
  kind: Kind
  cron: string
  time_zone: string
  every: string
  /** As the browser's own field has it, in the viewer's zone. */
  start_at: string
  at: string
  jitter: string
  misfire: 'skip' | 'once' | 'all'
  misfire_limit: number
  misfire_after: string
  overlap: 'allow' | 'skip'
  enabled: boolean
  type: string
  subject: string
  data: string
}

export const EMPTY: Draft = {
  name: '',
  description: '',
  kind: 'cron',
  cron: '30 2 * * *',
  time_zone: 'UTC',
  every: '15m',
  start_at: '',
  at: '',
  jitter: '',
  misfire: 'once',
  misfire_limit: 10,
  misfire_after: '1m',
  overlap: 'allow',
  enabled: true,
  type: '',
  subject: '',
  data: '',
}

export function draftOf(schedule: Definition): Draft {
  const { event, every, start_at, at, jitter, misfire_after, cron } = schedule
  return {
    ...EMPTY,
    name: schedule.name,
    description: schedule.description ?? '',
    kind: cron != null ? 'cron' : every != null ? 'every' : 'at',
    cron: cron ?? EMPTY.cron,
    time_zone: schedule.time_zone ?? 'UTC',
    every: every == null ? EMPTY.every : spanOf(every),
    start_at: localOf(start_at),
    at: localOf(at),
    jitter: jitter ? spanOf(jitter) : '',
    misfire: schedule.misfire ?? 'once',
    misfire_limit: schedule.misfire_limit ?? 10,
    misfire_after: spanOf(misfire_after ?? 60),
    overlap: schedule.overlap ?? 'allow',
    enabled: schedule.enabled ?? true,
    type: event?.type ?? '',
    subject: event?.subject ?? '',
    data: event?.data == null ? '' : JSON.stringify(event.data, null, 2),
  }
}

/** What the API takes. Throws SyntaxError where the data are not JSON. */
export function scheduleOf(draft: Draft): Definition {
  const { kind } = draft
  const event = {
    ...(draft.type.trim() ? { type: draft.type.trim() } : {}),
    subject: draft.subject || null,
    data: draft.data.trim() ? parsed(draft.data) : null,
  }
  return {
    name: draft.name,
    description: draft.description,
    time_zone: kind === 'cron' ? draft.time_zone : 'UTC',
    cron: kind === 'cron' ? draft.cron.trim() : null,
    every: kind === 'every' ? draft.every.trim() : null,
    start_at: kind === 'every' && draft.start_at ? new Date(draft.start_at).toISOString() : null,
    at: kind === 'at' && draft.at ? new Date(draft.at).toISOString() : null,
    jitter: draft.jitter.trim() || 0,
    misfire: draft.misfire,
    misfire_limit: draft.misfire_limit,
    misfire_after: draft.misfire_after.trim() || 60,
    overlap: draft.overlap,
    enabled: draft.enabled,
    event: event,
  }
}

/** Seconds as people write them: 90 s stay so, 5400 s are 90m. */
export function spanOf(seconds: number | string): string {
  if (typeof seconds === 'string') return seconds
  for (const [unit, length] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const) {
    if (seconds >= length && seconds % length === 0) return `${seconds / length}${unit}`
  }
  return `${seconds}s`
}

function localOf(moment: string | null | undefined): string {
  if (!moment) return ''
  const at = new Date(moment)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
