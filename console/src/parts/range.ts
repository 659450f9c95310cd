import type { UrlState } from './urlState'

export type Span = '15m' | '1h' | '24h' | '7d'

const SECONDS: Record<Span, number> = { '15m': 900, '1h': 3600, '24h': 86_400, '7d': 604_800 }

export interface Range {
  readonly span: Span | undefined
  /** RFC 3339, as the URL has them; what is no moment is left out. */
  readonly after: string | undefined
  readonly before: string | undefined
}

/** The time range that the URL asks for: `last`, or `after` and `before`. */
export function rangeOf(url: Pick<UrlState, 'one'>): Range {
  const last = url.one('last')
  return {
    span: last !== undefined && Object.hasOwn(SECONDS, last) ? (last as Span) : undefined,
    after: momentOf(url.one('after')),
    before: momentOf(url.one('before')),
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
