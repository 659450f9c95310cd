import { useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from 'react'
import { ApiError } from '@/api/problem'
import { keepCsrfToken, onSessionEnd } from '@/api/session'
import { closeSession, openSession, readSession, type Scope, type Session } from '@/api/sessions'

interface SessionState {
  readonly session: Session | null
  /** It ended while somebody was at work: what is on the page stays there until they have signed in again. */
  readonly interrupted: boolean
  readonly signIn: (key: string) => Promise<void>
  readonly signOut: (everywhere: boolean) => Promise<void>
  readonly can: (scope: Scope) => boolean
}

const Context = createContext<SessionState | null>(null)

/** Who is signed in, and what they may do. */
export function useSession(): SessionState {
  const state = use(Context)
  if (state === null) throw new Error('there is no SessionProvider')
  return state
}

interface Props {
  loading: ReactNode
  failed: (error: unknown, retry: () => void) => ReactNode
  children: ReactNode
}

export function SessionProvider({ loading, failed, children }: Props) {
  const queries = useQueryClient()
  const [interrupted, setInterrupted] = useState(false)
  const asked = useQuery({ queryKey: ['session'], queryFn: current, staleTime: Infinity, retry: false })
  useEffect(() => onSessionEnd(() => setInterrupted(true)), [])

  const signIn = useCallback(
    async (key: string) => {
      const session = await openSession(key)
      keepCsrfToken(session.csrf_token)
      queries.setQueryData(['session'], session)
      setInterrupted(false)
      await queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== 'session' })
    },
    [queries],
  )
  const signOut = useCallback(
    async (everywhere: boolean) => {
      await closeSession(everywhere)
      keepCsrfToken(null)
      setInterrupted(false)
      queries.setQueryData(['session'], null)
      queries.removeQueries({ predicate: (query) => query.queryKey[0] !== 'session' })
    },
    [queries],
  )
  const session = asked.data ?? null
  const state = useMemo<SessionState>(() => {
    const can = (scope: Scope) => session !== null && (session.scopes.includes(scope) || session.role === 'admin')
    return { session, interrupted: interrupted && session !== null, signIn, signOut, can }
  }, [session, interrupted, signIn, signOut])

  if (asked.isPending) return loading
  if (asked.isError) return failed(asked.error, () => void asked.refetch())
  return <Context value={state}>{children}</Context>
}

async function current(): Promise<Session | null> {
  try {
    const session = await readSession()
    keepCsrfToken(session.csrf_token)
    return session
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null
    throw error
  }
}
