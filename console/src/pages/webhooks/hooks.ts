import { answer, api, type Schemas } from '@/api/client'

export type Hook = Schemas['HookDocument']
export type HookRequest = Schemas['HookRequest']
export type Received = Schemas['Received']
export type Preset = HookRequest['preset']

export const PRESETS: readonly Preset[] = ['standard-webhooks', 'github', 'stripe', 'shopify', 'hmac', 'token']
export const RECEIVED: readonly Received[] = [
  'accepted',
  'repeated',
  'bad_signature',
  'not_json',
  'unmapped',
  'refused',
]
/** Ends that somebody should look at. */
export const TROUBLE: readonly Received[] = ['bad_signature', 'not_json', 'unmapped', 'refused']

export function putHook(name: string, hook: HookRequest): Promise<Hook> {
  return answer(api.PUT('/api/v1/hooks/{name}', { params: { path: { name } }, body: hook }))
}

/** What was stored, without the secrets: these stay if it is put again. */
export function requestOf(hook: Hook): HookRequest {
  const { description, preset, signature, token_header, id_header, tolerance, event, enabled } = hook
  return { description, preset, signature, token_header, id_header, tolerance, event: without(event), enabled }
}

/** The mapping without what is left out. */
export function without(event: Schemas['HookEvent']): Schemas['HookEvent'] {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== null))
}

export function addressOf(hook: Pick<Hook, 'path'>): string {
  return location.origin + hook.path
}

/** When the last message came, whatever became of it. */
export function lastOf(hook: Hook): string | null {
  const moments = Object.values(hook.received).map(({ last_at }) => last_at)
  return moments.reduce<string | null>(
    (last, at) => (last === null || Date.parse(at) > Date.parse(last) ? at : last),
    null,
  )
}

/** True if something went wrong after the last message that went well. */
export function troubled(hook: Hook): boolean {
  const good = Date.parse(hook.received.accepted?.last_at ?? '') || 0
  return TROUBLE.some((end) => Date.parse(hook.received[end]?.last_at ?? '') > good)
}
