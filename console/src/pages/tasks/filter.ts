import type { Schemas } from '@/api/client'
import { labelsIn } from '@/parts/filters'
import { boundsOf, namesOf, rangeOf, type Range } from '@/parts/range'
import { STATUSES, type Status } from '@/parts/StatusTag'
import type { UrlState } from '@/parts/urlState'

/** What is asked for, as the URL has it. */
export interface TaskFilter {
  readonly status: Status[]
  readonly type: string[]
  readonly label: string[]
  readonly key: string | undefined
  readonly q: string | undefined
  readonly created: Range
  readonly ended: Range
}

/** Before the parameters of the time in which tasks ended. */
export const ENDED = 'ended_'
export const FILTERS = [
  ...['status', 'type', 'label', 'key', 'q'],
  ...Object.values(namesOf()),
  ...Object.values(namesOf(ENDED)),
]

export function filterOf(url: Pick<UrlState, 'one' | 'all'>): TaskFilter {
  return {
    status: url.all('status').filter((one): one is Status => (STATUSES as readonly string[]).includes(one)),
    type: url.all('type'),
    label: labelsIn(url),
    key: url.one('key'),
    q: url.one('q'),
    created: rangeOf(url),
    ended: rangeOf(url, ENDED),
  }
}

export function isEmpty(filter: TaskFilter): boolean {
  return Object.values(queryOf(filter)).every((value) => value === undefined || value.length === 0)
}

/** The parameters of a search. */
export function queryOf(filter: TaskFilter) {
  const [created, ended] = [boundsOf(filter.created), boundsOf(filter.ended)]
  return {
    status: filter.status,
    type: filter.type,
    label: filter.label,
    concurrency_key: filter.key,
    q: filter.q,
    created_after: created.after,
    created_before: created.before,
    finished_after: ended.after,
    finished_before: ended.before,
  }
}

/** The same for an action on everything that matches. */
export function actionFilterOf(filter: TaskFilter): Schemas['ActionFilter'] {
  const { label, ...query } = queryOf(filter)
  const pairs = label.map((one) => [one.slice(0, one.indexOf(':')), one.slice(one.indexOf(':') + 1)])
  return { ...query, labels: Object.fromEntries(pairs) as Record<string, string> }
}
