import type { Schemas } from '@/api/client'
import { failure } from './failure'
import sentences from './log.json'
import { retold, type Facts } from './retell'

/** What a log line says, in the language that is chosen; as it is stored, if it is not known how to say it anew. */
export function sentenceOf({ event, attempt, data, message }: Schemas['LogDocument']): string {
  const key = typeof data?.case === 'string' ? `${event}:${data.case}` : event
  return retold(sentences, key, { ...rounded(data), attempt, ...why(data) }) ?? message
}

function why(data: Facts | null): Facts {
  const { code, error } = data ?? {}
  return typeof error === 'string' ? { why: failure(typeof code === 'string' ? code : null, error) } : {}
}

function rounded(data: Facts | null): Facts {
  const facts = Object.entries(data ?? {}).map(([name, fact]) => [
    name,
    typeof fact === 'number' ? Math.round(fact * 100) / 100 : fact,
  ])
  return Object.fromEntries(facts) as Facts
}
