import { useCallback, useMemo } from 'react'
import { useSearchParams } from 'react-router'

export type Change = Record<string, string | readonly string[] | null | undefined>

/** What a page shows, kept in its URL: each filter a parameter, several values by repetition. */
export interface UrlState {
  readonly one: (name: string) => string | undefined
  readonly all: (name: string) => string[]
  /** Set parameters; nothing, '' and [] take one out. `cursor` goes unless it is set: another filter, first page. */
  readonly set: (change: Change, how?: { replace?: boolean }) => void
  readonly text: string
}

export function useUrlState(): UrlState {
  const [params, setParams] = useSearchParams()
  const set = useCallback(
    (change: Change, { replace = false } = {}) =>
      setParams((before) => changed(before, change), { replace, preventScrollReset: true }),
    [setParams],
  )
  return useMemo(
    () => ({
      one: (name) => params.get(name) ?? undefined,
      all: (name) => params.getAll(name),
      set,
      text: params.toString(),
    }),
    [params, set],
  )
}

export function changed(before: URLSearchParams, change: Change): URLSearchParams {
  const after = new URLSearchParams(before)
  after.delete('cursor')
  for (const [name, value] of Object.entries(change)) {
    after.delete(name)
    for (const one of value == null ? [] : typeof value === 'string' ? [value] : value) if (one) after.append(name, one)
  }
  return after
}
