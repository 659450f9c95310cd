import { answer, api, type Schemas } from '@/api/client'
import type { Trigger } from './draft'

export type Preview = Schemas['PreviewDocument']
export type Change = Schemas['Change']

const HOURS = { '1h': 1, '24h': 24, '7d': 168, '30d': 720 } as const
export type SinceKey = keyof typeof HOURS

export const CHANGES: readonly Change[] = ['added', 'removed', 'changed', 'same']
export const CHANGE_WORDS = {
  added: 'added',
  removed: 'removedTasks',
  changed: 'changedTasks',
  same: 'same',
} as const satisfies Record<Change, string>

/** What a draft would have made of the events of a time, newest first. Writes nothing. */
export function preview(trigger: Trigger, since: SinceKey, most: number, shown = 50): Promise<Preview> {
  const from = new Date(Date.now() - HOURS[since] * 3_600_000).toISOString()
  return answer(api.POST('/api/v1/triggers/preview', { body: { trigger, since: from, most, shown } }))
}
