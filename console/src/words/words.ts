import './language' // it must be initialised before any dictionary comes
import i18next from 'i18next'
import { useTranslation } from 'react-i18next'

/** The words of one page or part. `name_one` and `name_other` are forms of `name`, chosen by `count`. */
type Entries = Record<string, string>
type Key<E> = E extends unknown ? Singular<Extract<keyof E, string>> : never
type Singular<K extends string> = K extends `${infer Base}_one` ? Base : K extends `${infer Base}_other` ? Base : K
type Chinese<E> = { [K in keyof E as K extends `${string}_one` ? never : K]: string }

export interface Words<E extends Entries> {
  readonly name: string
  readonly en: E
  readonly zh: Chinese<E>
}

export type Values = Record<string, string | number>
export type Say<E extends Entries> = (key: Key<E>, values?: Values) => string

/** Every dictionary that was defined, for the test of completeness. */
export const dictionaries: Words<Entries>[] = []

/** Defines a dictionary in both languages; the compiler refuses a key that one of them lacks. */
export function defineWords<const E extends Entries>(name: string, en: E, zh: Chinese<E>): Words<E> {
  i18next.addResourceBundle('en', name, en, true, true)
  i18next.addResourceBundle('zh', name, zh, true, true)
  const words = { name, en, zh }
  dictionaries.push(words)
  return words
}

/** A function that says a key in the language that is chosen now. */
export function useWords<E extends Entries>(words: Words<E>): Say<E> {
  const { t } = useTranslation(words.name)
  return t
}
