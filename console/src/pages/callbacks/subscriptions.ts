import { useQueryClient } from '@tanstack/react-query'
import { answer, api, type Schemas } from '@/api/client'

export type Subscription = Schemas['SubscriptionDocument']
export type SubscriptionRequest = Schemas['SubscriptionRequest']
export type Secret = Schemas['SecretDocument']

const path = (name: string) => ({ params: { path: { name } } })

export function putSubscription(name: string, body: SubscriptionRequest) {
  return answer(api.PUT('/api/v1/subscriptions/{name}', { ...path(name), body }))
}

export function pause(name: string, reason: string) {
  return answer(api.PUT('/api/v1/subscriptions/{name}/pause', { ...path(name), body: { reason } }))
}

export function resume(name: string) {
  return answer(api.DELETE('/api/v1/subscriptions/{name}/pause', path(name)))
}

export function remove(name: string) {
  return answer(api.DELETE('/api/v1/subscriptions/{name}', path(name)))
}

export function sendTest(name: string) {
  return answer(api.POST('/api/v1/subscriptions/{name}/tests', path(name)))
}

/** A new secret for a subscription; without a name for tasks' own addresses. */
export function rotate(name: string | null, keep: string): Promise<Secret> {
  if (name === null) return answer(api.POST('/api/v1/callback-secret', { body: { keep } }))
  return answer(api.POST('/api/v1/subscriptions/{name}/secrets', { ...path(name), body: { keep } }))
}

/** What was stored, without the secret: that stays if it is put again. */
export function requestOf(subscription: Subscription): SubscriptionRequest {
  const { url, description, task_types, statuses, labels } = subscription
  return { url, description, task_types, statuses: statuses as SubscriptionRequest['statuses'], labels }
}

export function useSubscriptionsChanged(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: ['subscriptions'] })
}
