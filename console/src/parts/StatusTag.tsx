import { useWords } from '@/words/words'
import type { Schemas } from '@/api/client'
import { partWords } from './words'

export type Status = Schemas['Status']

export const STATUSES: readonly Status[] = [
  'scheduled',
  'pending',
  'queued',
  'processing',
  'awaiting_input',
  'completed',
  'failed',
  'cancelled',
]
export const ENDED: readonly Status[] = ['completed', 'failed', 'cancelled']

/** A task's status as a word with a dot of its colour. */
export function StatusTag({ status }: { status: Status }) {
  const say = useWords(partWords)
  return (
    <span className={`status status-${status}`}>
      <span className="dot" aria-hidden />
      {say(status)}
    </span>
  )
}
