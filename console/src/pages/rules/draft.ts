import type { Schemas } from '@/api/client'

export type Trigger = Schemas['Trigger']

/** A rule as a form has it: every field a text. */
export interface Draft {
  name: string
  description: string
  event: string
  filter: string
  task_type: string
  /** JSON, if it begins with a brace; else one expression. */
  input: string
  key: string
  priority: number | null
  delay: string
  /** JSON; empty: none. */
  labels: string
}

export const EMPTY: Draft = {
  name: '',
  description: '',
  event: '',
  filter: '',
  task_type: '',
  input: '',
  key: '',
  priority: null,
  delay: '',
  labels: '',
}

export function draftOf(rule: Trigger): Draft {
  const { input = 'event.data', labels = {}, priority = 0, delay = 0 } = rule
  return {
    name: rule.name,
    description: rule.description ?? '',
    event: rule.event,
    filter: rule.filter ?? '',
    task_type: rule.task_type,
    input: typeof input === 'string' ? input : JSON.stringify(input, null, 2),
    key: rule.key ?? '',
    priority: priority || null,
    delay: typeof delay === 'number' ? (delay ? `${delay}s` : '') : delay,
    labels: Object.keys(labels).length ? JSON.stringify(labels, null, 2) : '',
  }
}

/** What the API takes. Throws SyntaxError where a text should be JSON and is not. */
export function ruleOf(draft: Draft, enabled: boolean): Trigger {
  return {
    name: draft.name,
    description: draft.description,
    event: draft.event.trim(),
    filter: draft.filter.trim() || null,
    task_type: draft.task_type,
    input: mappingOf(draft.input),
    key: draft.key.trim() || null,
    priority: draft.priority ?? 0,
    delay: secondsOf(draft.delay.trim()),
    labels: draft.labels.trim() ? (JSON.parse(draft.labels) as Record<string, string>) : {},
    enabled,
  }
}

export function mappingOf(text: string): string | Record<string, unknown> {
  const mapping = text.trim()
  if (mapping.startsWith('{')) return JSON.parse(mapping) as Record<string, unknown>
  return mapping || 'event.data'
}

/** Seconds as a number, as they are stored, so that what is the same looks the same; the service reads other texts. */
function secondsOf(delay: string): number | string {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(delay)?.[1]
  return seconds === undefined ? delay || 0 : Number(seconds)
}

/** The rule without the fields that say nothing. */
export function said(rule: Trigger): Partial<Trigger> {
  const silent = (value: unknown) => !value || (typeof value === 'object' && Object.keys(value).length === 0)
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => !silent(value)))
}
