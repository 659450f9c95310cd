import { answer, api, type Schemas } from '@/api/client'

export type Schedule = Schemas['ScheduleDocument']
type Standing = 'state' | 'next_runs' | 'pause' | 'last_run_at' | 'last_event_id'
export type Definition = Omit<Schedule, Standing>

export const STATES = ['active', 'paused', 'disabled', 'ended'] as const

const FIELDS = [
  'name',
  'description',
  'time_zone',
  'cron',
  'every',
  'start_at',
  'at',
  'jitter',
  'misfire',
  'misfire_limit',
  'misfire_after',
  'overlap',
  'enabled',
  'event',
] as const satisfies readonly (keyof Definition)[]

/** The definition alone, as it can be stored again. */
export function definitionOf(schedule: Definition): Definition {
  return Object.fromEntries(FIELDS.map((field) => [field, schedule[field]])) as unknown as Definition
}

export function putSchedule(definition: Definition): Promise<Schedule> {
  const params = { path: { name: definition.name } }
  return answer(api.PUT('/api/v1/schedules/{name}', { params, body: definition }))
}

export function pause(name: string, reason: string): Promise<Schedule> {
  return answer(api.PUT('/api/v1/schedules/{name}/pause', { params: { path: { name } }, body: { reason } }))
}

export function resume(name: string): Promise<Schedule> {
  return answer(api.DELETE('/api/v1/schedules/{name}/pause', { params: { path: { name } } }))
}
