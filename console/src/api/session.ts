/** What the API client has to know of the session: its token, and whom to tell when it ended. */
let token: string | null = null
const listeners = new Set<() => void>()

export function csrfToken(): string | null {
  return token
}

export function keepCsrfToken(value: string | null): void {
  token = value
}

export function sessionEnded(): void {
  listeners.forEach((tell) => tell())
}

export function onSessionEnd(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}
