import { Moment } from '@/parts/Moment'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { STATES, type Schedule } from './schedules'
import { scheduleWords } from './words'

/** Active, paused (by whom and why), off, or over. */
export function ScheduleState({ schedule }: { schedule: Schedule }) {
  const say = useWords(scheduleWords)
  const state = STATES.find((one) => one === schedule.state) ?? 'active'
  const { pause } = schedule
  return (
    <div className="two-lines">
      <span className={`status schedule-${state}`}>
        <span className="dot" aria-hidden />
        {say(state)}
      </span>
      {pause && (
        <span className="quiet small">
          <SafeText text={say('pausedBy', { name: pause.by })} /> <Moment at={pause.at} />
          {pause.reason && (
            <>
              {': '}
              <SafeText text={pause.reason} />
            </>
          )}
        </span>
      )}
    </div>
  )
}
