import { useTranslation } from 'react-i18next'
import { useDuration } from '@/parts/Duration'
import { ExactTime } from '@/parts/Moment'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { cronInWords } from './cronWords'
import type { Definition } from './schedules'
import { scheduleWords } from './words'

/** When a schedule runs: in words, and as it was written. */
export function When({ schedule }: { schedule: Definition }) {
  const say = useWords(scheduleWords)
  const { i18n } = useTranslation()
  const inWords = useDuration()
  const { cron, every, at, time_zone: zone } = schedule
  if (cron != null) {
    const words = cronInWords(cron, say, i18n.language)
    return (
      <div className="two-lines">
        {words && <span>{words}</span>}
        <span className={words ? 'quiet small' : undefined}>
          <code>
            <SafeText text={cron} />
          </code>{' '}
          · {say('clockOf', { zone: zone ?? 'UTC' })}
        </span>
      </div>
    )
  }
  if (every != null) {
    return <>{say('everyTime', { time: typeof every === 'number' ? inWords(every) : every })}</>
  }
  return (
    <div className="two-lines">
      <span>{say('once')}</span>
      <span className="quiet small">
        <ExactTime at={at} />
      </span>
    </div>
  )
}
