import type { Scope } from '@/api/sessions'

/** Every right, with its word. */
export const RIGHTS = {
  'tasks:read': 'tasksRead',
  'tasks:write': 'tasksWrite',
  'payloads:read': 'payloadsRead',
  'events:read': 'eventsRead',
  'events:write': 'eventsWrite',
  'definitions:read': 'definitionsRead',
  'definitions:write': 'definitionsWrite',
  admin: 'adminRight',
} as const satisfies Record<Scope, string>
/** All of them. */
export const ALL = Object.keys(RIGHTS) as Scope[]
