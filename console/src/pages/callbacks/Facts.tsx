import { Moment } from '@/parts/Moment'
import { SafeText } from '@/parts/SafeText'
import { StatusTag, type Status } from '@/parts/StatusTag'
import { useWords } from '@/words/words'
import type { Subscription } from './subscriptions'
import { callbackWords } from './words'

/** What a subscription is told about. */
export function About({ subscription: { task_types, statuses, labels } }: { subscription: Subscription }) {
  const say = useWords(callbackWords)
  return (
    <div className="two-lines">
      <SafeText text={task_types.length ? task_types.join(', ') : say('allTypes')} />
      {statuses.length ? (
        <span className="about-statuses">
          {statuses.map((status) => (
            <StatusTag key={status} status={status as Status} />
          ))}
        </span>
      ) : (
        <span className="quiet small">{say('allStatuses')}</span>
      )}
      {Object.keys(labels).length > 0 && (
        <span className="quiet small">
          <SafeText
            text={Object.entries(labels)
              .map(([name, value]) => `${name}:${value}`)
              .join(', ')}
          />
        </span>
      )}
    </div>
  )
}

/** Whether it is told, and if not, since when and why. */
export function Health({ subscription }: { subscription: Subscription }) {
  const say = useWords(callbackWords)
  const { paused, failures, failing_since: since, last_success_at: success, last_error: error } = subscription
  const kind = paused ? 'paused' : failures > 0 ? 'failing' : success ? 'good' : 'noneYet'
  return (
    <div className="two-lines">
      <span className={`status health-${kind}`}>
        <span className="dot" aria-hidden />
        {kind === 'failing' ? say('failing', { count: failures }) : say(kind)}
      </span>
      {paused && (
        <span className="quiet small">
          <SafeText text={paused.by === 'system' ? say('bySystem') : say('byName', { name: paused.by })} />{' '}
          <Moment at={paused.at} /> <SafeText text={paused.reason} />
        </span>
      )}
      {kind === 'failing' && (
        <span className="quiet small">
          {say('failingSince')} <Moment at={since} /> · <SafeText text={error ?? ''} />
        </span>
      )}
    </div>
  )
}
