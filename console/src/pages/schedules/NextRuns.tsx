import { useTranslation } from 'react-i18next'
import { Moment } from '@/parts/Moment'
import { useWords } from '@/words/words'
import { scheduleWords } from './words'

/** The runs ahead by the schedule's clock and, where it is another, by the viewer's. */
export function NextRuns({ runs, zone = 'UTC' }: { runs: readonly string[]; zone?: string }) {
  const say = useWords(scheduleWords)
  const { i18n } = useTranslation()
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  const shown = (at: string, timeZone: string) =>
    new Intl.DateTimeFormat(i18n.language, {
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      timeZone,
    }).format(new Date(at))
  return (
    <ol className="next-runs">
      {runs.map((at) => (
        <li key={at}>
          <span className="number">
            {shown(at, zone)} <span className="quiet small">{zone}</span>
          </span>
          {here !== zone && (
            <span className="quiet small number">
              {shown(at, here)} {say('yourTime')}
            </span>
          )}
          <span className="quiet">
            <Moment at={at} />
          </span>
        </li>
      ))}
    </ol>
  )
}
