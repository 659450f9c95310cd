import { useSyncExternalStore } from 'react'
import { preferredLanguage, type Language } from '@/words/language'

export type Theme = 'light' | 'dark' | 'system'

export interface Preferences {
  readonly language: Language
  readonly theme: Theme
  readonly narrow: boolean
}

const KEY = 'tradefree.preferences'
const listeners = new Set<() => void>()
let current: Preferences = { language: preferredLanguage(), theme: 'system', narrow: false, ...stored() }

function stored(): Partial<Preferences> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>
  } catch {
    return {} // storage is forbidden, or somebody else wrote there
  }
}

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change }
  try {
    localStorage.setItem(KEY, JSON.stringify(current))
  } catch {
    // it holds until the page is closed
  }
  listeners.forEach((tell) => tell())
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}

/** What this person likes, kept in this browser. */
export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, () => current)
}

const darkness = window.matchMedia('(prefers-color-scheme: dark)')

function subscribeDarkness(tell: () => void): () => void {
  darkness.addEventListener('change', tell)
  return () => darkness.removeEventListener('change', tell)
}

/** True if the page is to be dark now. */
export function useDark(): boolean {
  const system = useSyncExternalStore(subscribeDarkness, () => darkness.matches)
  const { theme } = usePreferences()
  return theme === 'system' ? system : theme === 'dark'
}
