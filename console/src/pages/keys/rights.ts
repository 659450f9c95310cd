import type { Scope } from '@/api/sessions'
import type { Schemas } from '@/api/client'

/** Sets of rights that many keys have. */
export const ROLES = {
  viewer: ['tasks:read', 'events:read', 'definitions:read'],
  operator: ['tasks:read', 'tasks:write', 'payloads:read', 'events:read', 'definitions:read', 'definitions:write'],
  submitter: ['tasks:write', 'tasks:read'],
  admin: ['admin'],
} as const satisfies Record<string, readonly Scope[]>
export type Role = keyof typeof ROLES

export type State = 'good' | 'expired' | 'revoked'
export const STATES: readonly State[] = ['good', 'expired', 'revoked']

export function stateOf(key: Pick<Schemas['KeyDocument'], 'revoked_at' | 'expires_at'>, now: number): State {
  if (key.revoked_at !== null) return 'revoked'
  return key.expires_at !== null && Date.parse(key.expires_at) <= now ? 'expired' : 'good'
}

/** The role that these rights are, whatever their order. */
export function roleOf(rights: readonly Scope[]): Role | undefined {
  const same = (role: Role) => ROLES[role].length === rights.length && ROLES[role].every((one) => rights.includes(one))
  return (Object.keys(ROLES) as Role[]).find(same)
}
