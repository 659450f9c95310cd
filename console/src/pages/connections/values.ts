import type { Schemas } from '@/api/client'

type Connection = Schemas['ConnectionDocument']
type Body = Schemas['ConnectionRequest']

/** What the form holds. */
export interface Values {
  name: string
  base_url: string
  api_key?: string
  max_running?: number | null
  rate?: string | null
  burst?: number | null
  max_pending?: number | null
  adaptive?: boolean
}

/** What is sent. Without a key the stored one is kept; what the form does not show stays as it is. */
export function bodyOf(values: Values, before: Connection | undefined): Body {
  return {
    kind: before?.kind ?? 'dify',
    base_url: values.base_url,
    max_running: values.max_running ?? null,
    rate: values.rate?.trim() || null,
    burst: values.burst ?? 1,
    max_pending: values.max_pending ?? null,
    adaptive: values.adaptive ?? true,
    options: before?.options ?? {},
    ...(values.api_key ? { api_key: values.api_key } : {}),
  }
}

/** The connection without what nobody can write: to compare, and to write it again. */
export function seen(connection: Connection): Body {
  const { kind, base_url, max_running, rate, burst, max_pending, adaptive, options } = connection
  return { kind, base_url, max_running, rate, burst, max_pending, adaptive, options }
}

/** True if writing it as it was needs no secret that nobody has any more. */
export function undoable(before: Connection, values: Values): boolean {
  return !values.api_key && values.base_url === before.base_url
}
