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

/** A piece of a wait, with what held the task. */
export type Piece = Pick<Schemas['PieceDocument'], 'kind' | 'scope'> & { readonly from: number; readonly to: number }

const TOO_SHORT = 1000
/** Milliseconds: what held a task is known to the second. */
const UNHELD = new Set(['turn', 'later', 'answer'])

/** The pieces of a phase, in order; none if nothing is known that held the task then. */
export function piecesOf(phase: Phase, waits: readonly Schemas['PieceDocument'][]): Piece[] {
  if (phase.attempt) return []
  const pieces = waits
    .map(({ kind, scope, began_at, ended_at }) => ({
      kind,
      scope,
      from: Math.max(phase.from, Date.parse(began_at)),
      to: Math.min(phase.to, Date.parse(ended_at)),
    }))
    .filter(({ from, to }) => to > from)
  const isHeld = pieces.some(({ kind, from, to }) => !UNHELD.has(kind) && to - from >= TOO_SHORT)
  return isHeld ? pieces : []
}

/** How long each thing held in all, the longest first. */
export function totalsOf(pieces: readonly Piece[]): { kind: string; scope: string; seconds: number }[] {
  const totals = new Map<string, { kind: string; scope: string; seconds: number }>()
  for (const { kind, scope, from, to } of pieces) {
    const total = totals.get(`${kind} ${scope}`) ?? { kind, scope, seconds: 0 }
    totals.set(`${kind} ${scope}`, { ...total, seconds: total.seconds + (to - from) / 1000 })
  }
  return [...totals.values()].sort((one, other) => other.seconds - one.seconds)
}
