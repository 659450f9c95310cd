import { answer, api, type Schemas } from './client'

export type Session = Schemas['Session']
export type Scope = Schemas['Scope']

const PATH = '/api/v1/console/session'

export function openSession(key: string): Promise<Session> {
  return answer(api.POST(PATH, { body: { api_key: key } }))
}

export function readSession(): Promise<Session> {
  return answer(api.GET(PATH))
}

/** Ends the session that asks, or every one of the key. */
export function closeSession(everywhere: boolean): Promise<unknown> {
  return answer(api.DELETE(PATH, { params: { query: { everywhere } } }))
}
