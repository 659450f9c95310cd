import { Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'
import { useWords } from '@/words/words'
import { useNow } from './clock'
import { partWords } from './words'

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
]

/** "3 min. ago"; exact time in the viewer's zone on hover and for readers. */
export function Moment({ at }: { at: string | null | undefined }) {
  const say = useWords(partWords)
  const { i18n } = useTranslation()
  const now = useNow()
  if (!at) return <span className="quiet">{say('never')}</span>
  return (
    <Tooltip title={exactTime(at, i18n.language)}>
      <time dateTime={at} className="number">
        {relativeTime(Date.parse(at) - now, i18n.language) || say('justNow')}
      </time>
    </Tooltip>
  )
}

/** The exact time first, to the millisecond. */
export function ExactTime({ at }: { at: string | null | undefined }) {
  const { i18n } = useTranslation()
  if (!at) return <span className="quiet">–</span>
  return (
    <time dateTime={at} className="number">
      {exactTime(at, i18n.language)}
    </time>
  )
}

/** Empty for less than two seconds. */
export function relativeTime(milliseconds: number, language: string): string {
  const seconds = Math.round(milliseconds / 1000)
  if (Math.abs(seconds) < 2) return ''
  const [unit, length] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'always', style: 'short' })
  return format.format(Math.trunc(seconds / length), unit)
}

export function exactTime(at: string, language: string): string {
  return new Intl.DateTimeFormat(language, {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).format(new Date(at))
}
