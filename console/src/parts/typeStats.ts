import { useQuery } from '@tanstack/react-query'
import { answer, api } from '@/api/client'
import { useSession } from '@/app/session'

const DAY = 86_400_000
const EVERY = 60_000
/** Milliseconds between looks at a whole day. */

/** How tasks stand now, by type and status. Nothing for a key that may not see it. */
export function useStats() {
  const { session, can } = useSession()
  return useQuery({
    queryKey: ['stats'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/stats', { signal })),
    enabled: can('tasks:read') && !session?.own_only,
  })
}

/** What happened in the last 24 hours, of one type or of all. */
export function useLastDay(type?: string) {
  const { session, can } = useSession()
  return useQuery({
    queryKey: ['series', 'day', type],
    queryFn: ({ signal }) => {
      const from = new Date(Date.now() - DAY).toISOString()
      return answer(
        api.GET('/api/v1/stats/series', {
          params: { query: { from, type: type === undefined ? undefined : [type] } },
          signal,
        }),
      )
    },
    enabled: can('tasks:read') && !session?.own_only,
    refetchInterval: EVERY,
  })
}
