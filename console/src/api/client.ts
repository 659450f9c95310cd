import createClient, { type Middleware } from 'openapi-fetch'
import { ApiError, errorOf, unreachable } from './problem'
import type { components, paths } from './schema'
import { csrfToken, sessionEnded } from './session'

export type Schemas = components['schemas']

const SAFE = ['GET', 'HEAD', 'OPTIONS']

const guard: Middleware = {
  onRequest({ request }) {
    const token = csrfToken()
    if (token && !SAFE.includes(request.method)) request.headers.set('X-CSRF-Token', token)
    return request
  },
  onResponse({ request, response }) {
    if (response.status === 401 && !request.url.endsWith('/console/session')) sessionEnded()
    return response
  },
}

/** The API with the types of its OpenAPI document. Use it inside `answer`. */
export const api = createClient<paths>({ baseUrl: location.origin, credentials: 'same-origin' })
api.use(guard)

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The body of a good answer; throws ApiError for any other. */
export async function answer<T>(asked: Promise<Answer<T>>): Promise<T> {
  let got: Answer<T>
  try {
    got = await asked
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw unreachable()
  }
  if (!got.response.ok) throw errorOf(got.error, got.response)
  return got.data as T
}

/** True if asking again may help: the service was away or busy. */
export function passing(error: unknown): boolean {
  return !(error instanceof ApiError) || [0, 429, 502, 503, 504].includes(error.status)
}
