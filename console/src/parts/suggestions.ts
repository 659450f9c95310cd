import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { answer, api, type Schemas } from '@/api/client'
import { useSession } from '@/app/session'
import { useStats } from './typeStats'
import { useUrlState } from './urlState'

export type Suggested = Schemas['Suggested']

const REST = 250
/** Milliseconds without a key before it is asked what may be meant. */
const FRESH = 30_000
/** Milliseconds for which an answer is good. */

/** What may be meant by what is typed, of the newest tasks of the types that are chosen; nothing while closed. */
export function useSuggestions(field: Suggested, typed: string, open: boolean): { value: string }[] {
  const { can } = useSession()
  const prefix = useRested(typed)
  const chosen = useUrlState().all('type')
  const type = field === 'type' ? [] : chosen
  const found = useQuery({
    queryKey: ['suggestions', field, prefix, type],
    queryFn: ({ signal }) =>
      answer(api.GET('/api/v1/tasks/suggestions', { params: { query: { field, prefix, type } }, signal })),
    enabled: open && can('tasks:read'),
    staleTime: FRESH,
    placeholderData: keepPreviousData,
    retry: false,
  })
  return (found.data?.items ?? []).map((value) => ({ value }))
}

/** The task types that there are; for a key that may not count tasks those of its newest. */
export function useTypeNames(): string[] {
  const { session } = useSession()
  const counted = Object.keys(useStats().data?.by_type ?? {}).sort()
  const seen = useSuggestions('type', '', session?.own_only === true)
  return session?.own_only ? seen.map(({ value }) => value).sort() : counted
}

function useRested(value: string): string {
  const [rested, setRested] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), REST)
    return () => clearTimeout(timer)
  }, [value])
  return rested
}
