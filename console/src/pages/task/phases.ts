import type { Schemas } from '@/api/client'

export type PhaseKind =
  | 'phaseScheduled'
  | 'phaseWaits'
  | 'phaseRuns'
  | 'phasePause'
  | 'phaseDeferred'
  | 'phaseHandedBack'
  | 'phaseLost'
  | 'phasePerson'
  | 'phaseRetried'

/** A piece of a task's life, in milliseconds; `attempt` where one ran. */
export interface Phase {
  readonly kind: PhaseKind
  readonly from: number
  readonly to: number
  readonly attempt?: Schemas['AttemptDocument']
}

type Life = Pick<Schemas['TaskDetail'], 'created_at' | 'run_at' | 'finished_at' | 'status' | 'attempts'>

const AFTER: Record<Schemas['AttemptOutcome'], PhaseKind> = {
  failed: 'phasePause',
  deferred: 'phaseDeferred',
  handed_back: 'phaseHandedBack',
  lost: 'phaseLost',
  asked: 'phasePerson',
  completed: 'phaseRetried',
  cancelled: 'phaseRetried',
}

/** A task's life without gaps, from its creation to its end or to now. */
export function phasesOf(task: Life, now: number): Phase[] {
  const created = Date.parse(task.created_at)
  const end = task.finished_at ? Date.parse(task.finished_at) : Math.max(now, created)
  const phases: Phase[] = []
  let at = created
  let kind: PhaseKind = 'phaseWaits'
  const add = (next: PhaseKind, to: number, attempt?: Schemas['AttemptDocument']) => {
    if (to > at || attempt) phases.push({ kind: next, from: at, to: Math.max(to, at), attempt })
    at = Math.max(to, at)
  }
  const due = Math.min(Date.parse(task.run_at), end)
  const first = task.attempts[0]?.started_at
  if (!first || due <= Date.parse(first)) add('phaseScheduled', due - created > 1000 ? due : created)
  for (const attempt of task.attempts) {
    if (!attempt.started_at) continue
    add(kind, Date.parse(attempt.started_at))
    add('phaseRuns', attempt.finished_at ? Date.parse(attempt.finished_at) : end, attempt)
    kind = attempt.outcome ? AFTER[attempt.outcome] : 'phaseWaits'
  }
  add(kind, end)
  return phases
}
