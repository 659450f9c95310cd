import i18next from 'i18next'
import { useTranslation } from 'react-i18next'
import '@/words/language'

const HOLE = /\{\{(\w+)\}\}/g

/**
 * Sentences in Chinese for what the service says in English, by its code; `{{name}}` is a fact that comes with it. Of
 * several, the first counts that has all its facts.
 */
export type Sentences = Readonly<Record<string, string | readonly string[]>>
export type Facts = Readonly<Record<string, unknown>>
type Code = string | null | undefined

/** The sentence in the language that is chosen, or undefined: in English, for an unknown code, without its facts. */
export function retold(sentences: Sentences, code: Code, facts?: Facts | null): string | undefined {
  if (i18next.language !== 'zh' || !code || !Object.hasOwn(sentences, code)) return undefined
  for (const sentence of [sentences[code] ?? []].flat()) {
    const text = filled(sentence, facts ?? {})
    if (text !== undefined) return text
  }
  return undefined
}

function filled(sentence: string, facts: Facts): string | undefined {
  const names = [...sentence.matchAll(HOLE)].map(([, name]) => name ?? '')
  if (!names.every((name) => ['string', 'number', 'boolean'].includes(typeof facts[name]))) return undefined
  return sentence.replace(HOLE, (_, name: string) => String(facts[name]))
}

/** `retold`, for a component: it is drawn anew in another language. */
export function useRetold(): typeof retold {
  useTranslation()
  return retold
}
