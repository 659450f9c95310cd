import { answer, api, type Schemas } from '@/api/client'

export type Limit = Schemas['LimitDocument']
export type Mode = Schemas['Mode']
export const CAPS = ['max_running', 'rate', 'burst', 'max_pending'] as const
export type Cap = (typeof CAPS)[number]
export type Caps = Pick<Limit, Cap>

/** How the API calls a scope: a lane by its type and key, others as they are. */
export function nameOf(limit: Limit): string {
  return limit.label
}

export function kindOf(limit: Limit): string {
  return limit.scope.split(':', 1)[0] ?? ''
}

/** The caps that differ from what holds now. A rate is compared without its spaces. */
export function changedCaps(limit: Limit, wanted: Caps): Partial<Caps> {
  return Object.fromEntries(CAPS.filter((cap) => wanted[cap] !== limit[cap]).map((cap) => [cap, wanted[cap]]))
}

/** The caps as they are defined, with what is left out. */
export function baselineOf(limit: Limit): Caps {
  return { max_running: null, rate: null, burst: 1, max_pending: null, ...(limit.baseline as Partial<Caps>) }
}

/** Caps that somebody replaced and that are not what is defined. */
export function overridden(limit: Limit): Cap[] {
  const baseline = baselineOf(limit)
  const values = limit.override?.values ?? {}
  return CAPS.filter((cap) => cap in values && values[cap] !== baseline[cap])
}

export type Effect =
  | { say: 'effectOver'; values: { used: number; cap: number } }
  | { say: 'effectStarts'; values: { count: number } }
  | { say: 'effectRefuses'; values: { waiting: number; cap: number } }

/** What will happen at once when these caps hold. */
export function effectsOf(limit: Limit, change: Partial<Caps>): Effect[] {
  const effects: Effect[] = []
  const waiting = limit.waiting ?? 0
  if (change.max_running !== undefined) {
    const cap = change.max_running
    const room = Math.min((cap ?? Infinity) - limit.in_flight, waiting)
    if (cap !== null && limit.in_flight > cap) {
      effects.push({ say: 'effectOver', values: { used: limit.in_flight, cap } })
    } else if (isMore(cap, limit.max_running) && room > 0)
      effects.push({ say: 'effectStarts', values: { count: room } })
  }
  if (change.max_pending != null && waiting >= change.max_pending) {
    effects.push({ say: 'effectRefuses', values: { waiting, cap: change.max_pending } })
  }
  return effects
}

function isMore(cap: number | null, before: number | null): boolean {
  return before !== null && (cap === null || cap > before)
}

export type Step =
  | { kind: 'change'; values: Partial<Caps>; until: string | null }
  | { kind: 'mode'; mode: Mode; until: string | null }
  | { kind: 'reset' }

/** What brings a scope back to how it was. A pause is never lifted on the way. */
export function undoOf(before: Limit, now: Limit): Step[] {
  const steps: Step[] = []
  const wasMode = modeOf(before)
  const values = before.override?.values ?? {}
  const until = before.override?.until ?? null
  const modeUntil = before.override?.mode_until ?? null
  if (wasMode === 'open' && Object.keys(values).length === 0) return [{ kind: 'reset' }]
  if (modeOf(now) !== wasMode || (now.override?.mode_until ?? null) !== modeUntil) {
    steps.push({ kind: 'mode', mode: wasMode, until: modeUntil })
  }
  const changed = new Set([...Object.keys(values), ...Object.keys(now.override?.values ?? {})])
  const wanted = Object.fromEntries(CAPS.filter((cap) => changed.has(cap)).map((cap) => [cap, before[cap]]))
  const same = CAPS.every((cap) => before[cap] === now[cap]) && until === (now.override?.until ?? null)
  if (!same) steps.push({ kind: 'change', values: wanted, until })
  return steps
}

function modeOf(limit: Limit): Mode {
  return limit.mode === 'drained' ? 'draining' : limit.mode
}

/** Seconds from now until then, as the API wants them; nothing: for good. */
function lasting(until: string | null): number | undefined {
  return until === null ? undefined : Math.max(1, (Date.parse(until) - Date.now()) / 1000)
}

export async function undo(before: Limit, now: Limit, reason: string): Promise<void> {
  for (const step of undoOf(before, now)) {
    if (step.kind === 'reset') await reset(before)
    else if (step.kind === 'mode') await setMode(before, step.mode, lasting(step.until), reason)
    else await change(before, step.values, lasting(step.until), reason)
  }
}

const at = (limit: Limit) => ({ params: { path: { scope: nameOf(limit) } } })

export function change(limit: Limit, values: Partial<Caps>, lasts: number | undefined, reason: string): Promise<Limit> {
  const body = { ...values, for: lasts ?? null, reason } as Schemas['LimitRequest']
  return answer(api.PATCH('/api/v1/limits/{scope}', { ...at(limit), body }))
}

export function setMode(limit: Limit, mode: Mode, lasts: number | undefined, reason: string): Promise<Limit> {
  return answer(api.PUT('/api/v1/limits/{scope}/mode', { ...at(limit), body: { mode, for: lasts ?? null, reason } }))
}

export function reset(limit: Limit): Promise<Limit> {
  return answer(api.DELETE('/api/v1/limits/{scope}', at(limit)))
}
