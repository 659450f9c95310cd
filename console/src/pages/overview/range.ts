import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { answer, api, type Schemas } from '@/api/client'
import type { UrlState } from '@/parts/urlState'

export const RANGES = { '15m': 900, '1h': 3600, '6h': 21_600, '24h': 86_400, '7d': 604_800 } as const
export type Range = keyof typeof RANGES
const RENEWED = 10_000
/** Milliseconds after which the sums are read anew; the service keeps them some seconds behind. */

export function rangeOf(url: UrlState): Range {
  const range = url.one('range') ?? '1h'
  return range in RANGES ? (range as Range) : '1h'
}

/** What happened in the time that the URL names, of the types that it names. */
export function useSeries(url: UrlState) {
  const range = rangeOf(url)
  const type = url.all('type')
  return useQuery({
    queryKey: ['series', range, type],
    queryFn: ({ signal }) => {
      const from = new Date(Date.now() - RANGES[range] * 1000).toISOString()
      return answer(api.GET('/api/v1/stats/series', { params: { query: { from, type } }, signal }))
    },
    refetchInterval: RENEWED,
  })
}

/** The sum of one number over all points. */
export function total(
  series: Schemas['SeriesDocument'],
  name: 'accepted' | 'completed' | 'failed' | 'cancelled' | 'tokens',
): number {
  return series.points.reduce((sum, point) => sum + point[name], 0)
}

/** What it cost, by currency. */
export function costs(series: Schemas['SeriesDocument']): [string, number][] {
  const sums = new Map<string, number>()
  for (const { cost } of series.points) {
    for (const [currency, amount] of Object.entries(cost)) sums.set(currency, (sums.get(currency) ?? 0) + amount)
  }
  return [...sums]
}

/** Moments as an axis shows them: with the day where more than one is shown. */
export function useTimeFormat(range: Range): (at: string) => string {
  const { i18n } = useTranslation()
  const days: Intl.DateTimeFormatOptions = RANGES[range] > 86_400 ? { month: 'numeric', day: 'numeric' } : {}
  const format = new Intl.DateTimeFormat(i18n.language, {
    ...days,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (at) => format.format(new Date(at))
}
