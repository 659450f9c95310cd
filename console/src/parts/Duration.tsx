import { useTranslation } from 'react-i18next'
import { useWords, type Say } from '@/words/words'
import { useNow } from './clock'
import { partWords } from './words'

type PartSay = Say<(typeof partWords)['en']>

const UNITS = [
  ['days', 86_400, Infinity],
  ['hours', 3600, 24],
  ['minutes', 60, 60],
  ['seconds', 1, 60],
] as const
/** What each is called, its seconds, and how many make one of the next. */

/** Seconds in words, in the two greatest units: "1 min 12 s", "5 min". */
export function Duration({ seconds }: { seconds: number | null | undefined }) {
  const inWords = useDuration()
  if (seconds == null) return <span className="quiet">–</span>
  return <span className="number">{inWords(seconds)}</span>
}

/** From one moment to another, or to now while there is no other. */
export function Elapsed({ from, to }: { from: string; to: string | null | undefined }) {
  const now = useNow()
  const end = to ? Date.parse(to) : now
  return <Duration seconds={Math.max(0, (end - Date.parse(from)) / 1000)} />
}

export function useDuration(): (seconds: number) => string {
  const say = useWords(partWords)
  const { i18n } = useTranslation()
  return (seconds) => durationInWords(seconds, say, i18n.language)
}

export function durationInWords(seconds: number, say: PartSay, language: string): string {
  if (seconds < 1) return say('ms', { n: Math.round(seconds * 1000) })
  if (seconds < 60) {
    const n = new Intl.NumberFormat(language, { maximumFractionDigits: seconds < 10 ? 1 : 0 }).format(seconds)
    return say('seconds', { n })
  }
  const whole = Math.round(seconds)
  const parts = UNITS.map(([unit, size, most]) => ({ unit, n: Math.floor(whole / size) % most }))
  const first = parts.findIndex(({ n }) => n > 0)
  return parts
    .slice(first, first + 2)
    .filter(({ n }) => n > 0)
    .map(({ unit, n }) => say(unit, { n }))
    .join(' ')
}
