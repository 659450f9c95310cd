import i18next from 'i18next'
import { useTranslation } from 'react-i18next'
import '@/words/language'

/** Sentences in Chinese for what the service says in English, by its code; `{{name}}` is a fact that comes with it. */
export type Sentences = Readonly<Record<string, string>>
export type Facts = Readonly<Record<string, unknown>>
type Code = string | null | undefined

/** The sentence in the language that is chosen, or undefined: in English, for an unknown code, without its facts. */
export function retold(sentences: Sentences, code: Code, facts?: Facts | null): string | undefined {
  if (i18next.language !== 'zh' || !code || !Object.hasOwn(sentences, code)) return undefined
  let whole = true
  const text = sentences[code]?.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const fact = facts?.[name]
    whole &&= typeof fact === 'string' || typeof fact === 'number' || typeof fact === 'boolean'
    return String(fact)
  })
  return whole ? text : undefined
}

/** `retold`, for a component: it is drawn anew in another language. */
export function useRetold(): typeof retold {
  useTranslation()
  return retold
}
