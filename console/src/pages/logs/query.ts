import type { Level } from '@/parts/LogList'
import { boundsOf, rangeOf } from '@/parts/range'
import type { UrlState } from '@/parts/urlState'

/** What the URL asks for, as the API has it; a span ends now. */
export function filterOf(url: UrlState, level: Level) {
  const { after, before } = boundsOf(rangeOf(url))
  const type = url.all('type')
  return { level, text: url.one('text'), type: type.length ? type : undefined, from: after, to: before }
}
