import type { UrlState } from './urlState'

const SECONDS = { '15m': 900, '1h': 3600, '6h': 21_600, '24h': 86_400, '7d': 604_800 } as const
export type Span = keyof typeof SECONDS
export const SPANS = Object.keys(SECONDS) as Span[]

/** The parameters of a range: `last`, `after` and `before`, behind a prefix where a page has several. */
export function namesOf(prefix = ''): { last: string; after: string; before: string } {
  return { last: `${prefix}last`, after: `${prefix}after`, before: `${prefix}before` }
}

export interface Range {
  readonly span: Span | undefined
  /** RFC 3339, as the URL has them; what is no moment is left out. */
  readonly after: string | undefined
  readonly before: string | undefined
}

/** The time range that the URL asks for: `last`, or `after` and `before`. */
export function rangeOf(url: Pick<UrlState, 'one'>, prefix?: string): Range {
  const names = namesOf(prefix)
  const last = url.one(names.last)
  return {
    span: last !== undefined && Object.hasOwn(SECONDS, last) ? (last as Span) : undefined,
    after: momentOf(url.one(names.after)),
    before: momentOf(url.one(names.before)),
  }
}

/** Its first and last moment. Ask when the request is made, so that a span ends now. */
export function boundsOf({ span, after, before }: Range, now = Date.now()): { after?: string; before?: string } {
  if (span) return { after: new Date(now - SECONDS[span] * 1000).toISOString() }
  return { after, before }
}

function momentOf(text: string | undefined): string | undefined {
  return text !== undefined && Number.isFinite(Date.parse(text)) ? text : undefined
}
