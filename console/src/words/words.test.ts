import { expect, test } from 'vitest'
import { dictionaries } from '@/words/words'

const modules = import.meta.glob('@/**/words.ts')
await Promise.all([...Object.values(modules).map((load) => load()), import('@/pages')])

const bases = (entries: object) => Object.keys(entries).map((key) => key.replace(/_(one|other)$/, ''))
const holes = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name).sort()

test('there are dictionaries, each with a name of its own', () => {
  const names = dictionaries.map(({ name }) => name)
  expect(names.length).toBeGreaterThan(2)
  expect(new Set(names).size).toBe(names.length)
})

test.each(dictionaries.map((words) => [words.name, words] as const))('%s is complete in both languages', (_, words) => {
  expect(new Set(bases(words.zh))).toEqual(new Set(bases(words.en)))
  for (const [key, text] of Object.entries<string>(words.en)) {
    const chinese = (words.zh as Record<string, string>)[key]
    expect(text.trim(), key).not.toBe('')
    if (chinese === undefined) continue // the singular, which Chinese has not
    expect(chinese.trim(), key).not.toBe('')
    expect(holes(chinese), key).toEqual(holes(text))
  }
})

test('every word is used', async () => {
  const sources = import.meta.glob<string>(
    ['@/**/*.{ts,tsx}', '!@/**/words.ts', '!@/**/*.test.*', '!@/api/schema.d.ts'],
    {
      query: '?raw',
      import: 'default',
    },
  )
  const text = (await Promise.all(Object.values(sources).map((load) => load()))).join('\n')
  const unused = dictionaries.flatMap(({ name, en }) =>
    bases(en)
      .filter((key) => !spoken(text, key))
      .map((key) => `${name}.${key}`),
  )
  expect(unused).toEqual([])
})

/** Keys that are made of parts are listed in a table of their own, so that each stands somewhere as a whole. */
function spoken(text: string, key: string): boolean {
  return new RegExp(`['"\`.\\s{]${key}(['"\`]|\\s*:|,)`).test(text)
}
