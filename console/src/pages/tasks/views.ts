import { useSyncExternalStore } from 'react'

export interface View {
  readonly name: string
  /** The URL's parameters. */
  readonly search: string
}

const KEY = 'tradefree.views'
const listeners = new Set<() => void>()
let views: readonly View[] = stored()

function stored(): View[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(found) ? found.filter(isView) : []
  } catch {
    return []
  }
}

function isView(value: unknown): value is View {
  return typeof value === 'object' && value !== null && 'name' in value && 'search' in value
}

function keep(changed: readonly View[]): void {
  views = changed
  try {
    localStorage.setItem(KEY, JSON.stringify(views))
  } catch {
    // they hold until the page is closed
  }
  listeners.forEach((tell) => tell())
}

export function saveView(view: View): void {
  keep([...views.filter(({ name }) => name !== view.name), view])
}

export function deleteView(name: string): void {
  keep(views.filter((view) => view.name !== name))
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}

/** The sets of filters this person has saved in this browser. */
export function useViews(): readonly View[] {
  return useSyncExternalStore(subscribe, () => views)
}
