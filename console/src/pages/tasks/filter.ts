import type { Schemas } from '@/api/client'
import { STATUSES, type Status } from '@/parts/StatusTag'
import type { UrlState } from '@/parts/urlState'

/** What is asked for, as the URL has it. */
export interface TaskFilter {
  readonly status: Status[]
  readonly type: string[]
  readonly label: string[]
  readonly key: string | undefined
  readonly q: string | undefined
  /** `1h`: from so long ago on, moving with time. Or fixed moments. */
  readonly last: Span | undefined
  readonly after: string | undefined
  readonly before: string | undefined
}

export const SPANS = { '15m': 900, '1h': 3600, '24h': 86_400, '7d': 604_800 } as const
export type Span = keyof typeof SPANS
export const FILTERS = ['status', 'type', 'label', 'key', 'q', 'last', 'after', 'before'] as const

export function filterOf(url: UrlState): TaskFilter {
  const last = url.one('last')
  return {
    status: url.all('status').filter((one): one is Status => (STATUSES as readonly string[]).includes(one)),
    type: url.all('type'),
    label: url.all('label').filter((one) => /^[^:]+:/.test(one)),
    key: url.one('key'),
    q: url.one('q'),
    last: last && last in SPANS ? (last as Span) : undefined,
    after: url.one('after'),
    before: url.one('before'),
  }
}

export function isEmpty(filter: TaskFilter): boolean {
  return Object.values(filter).every((value: unknown) => value === undefined || (value as unknown[]).length === 0)
}

function createdAfter(filter: TaskFilter): string | undefined {
  if (filter.last === undefined) return filter.after
  return new Date(Date.now() - SPANS[filter.last] * 1000).toISOString()
}

/** The parameters of a search. */
export function queryOf(filter: TaskFilter) {
  return {
    status: filter.status,
    type: filter.type,
    label: filter.label,
    concurrency_key: filter.key,
    q: filter.q,
    created_after: createdAfter(filter),
    created_before: filter.before,
  }
}

/** The same for an action on everything that matches. */
export function actionFilterOf(filter: TaskFilter): Schemas['ActionFilter'] {
  const { label, ...query } = queryOf(filter)
  const pairs = label.map((one) => [one.slice(0, one.indexOf(':')), one.slice(one.indexOf(':') + 1)])
  return { ...query, labels: Object.fromEntries(pairs) as Record<string, string> }
}
