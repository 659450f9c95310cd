import { useSyncExternalStore } from 'react'

let offset = 0
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined
const listeners = new Set<() => void>()

/** The service said what time it is: relative times are by its clock, not by this machine's. */
export function setServiceTime(moment: string): void {
  const difference = Date.parse(moment) - Date.now()
  if (Number.isFinite(difference)) offset = Math.abs(difference) < 1000 ? 0 : difference
}

function tick(): void {
  now = Date.now() + offset
  listeners.forEach((tell) => tell())
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell)
  timer ??= setInterval(tick, 1000)
  return () => {
    listeners.delete(tell)
    if (listeners.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

/** Milliseconds of the service's clock, renewed each second by one timer for the whole page. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => (timer ? now : (now = Math.floor((Date.now() + offset) / 1000) * 1000)))
}
