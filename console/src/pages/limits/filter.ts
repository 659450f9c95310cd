import type { UrlState } from '@/parts/urlState'
import { kindOf, overridden, type Limit } from './changes'

export const KINDS = ['everything', 'queue', 'connection', 'limit', 'type', 'lane'] as const
export const STATES = ['full', 'stopped', 'changed', 'waits'] as const
export type Kind = (typeof KINDS)[number]

const IS: Record<string, (limit: Limit) => boolean> = {
  full: isFull,
  stopped: ({ mode }) => mode !== 'open',
  changed: (limit) => overridden(limit).length > 0,
  waits: ({ waiting }) => (waiting ?? 0) > 0,
}

/** The places that hold now: the cap, or what was learnt of the connection if that is less. */
export function placesOf({ max_running, ceiling }: Limit): number | null {
  if (ceiling === null) return max_running
  return max_running === null ? ceiling.level : Math.min(max_running, ceiling.level)
}

export function isFull(limit: Limit): boolean {
  const places = placesOf(limit)
  return (places !== null && limit.in_flight >= places) || limit.starts_left === 0
}

/** Those that the URL asks for: all that is ticked must be true of them. */
export function filtered(limits: readonly Limit[], url: Pick<UrlState, 'one' | 'all'>): Limit[] {
  const text = url.one('q')?.toLowerCase() ?? ''
  const kind = url.one('kind')
  const only = url.all('only').flatMap((name) => IS[name] ?? [])
  return limits.filter(
    (limit) =>
      limit.label.toLowerCase().includes(text) &&
      (kind === undefined || kindOf(limit) === kind) &&
      only.every((is) => is(limit)),
  )
}
