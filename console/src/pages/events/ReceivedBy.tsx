import { Link } from 'react-router'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { eventWords } from './words'

/** Which way an event came: `key:ID`, `hook:NAME`, `schedule:NAME`. */
export function ReceivedBy({ by }: { by: string }) {
  const say = useWords(eventWords)
  const [kind, name = ''] = by.split(/:(.*)/)
  if (kind === 'schedule') return <Link to={`/schedules?name=${name}`}>{say('bySchedule', { name })}</Link>
  if (kind === 'hook') return <Link to={`/webhooks?name=${name}`}>{say('byHook', { name })}</Link>
  if (kind === 'key') {
    return (
      <span title={name}>
        {say('byKey')} <code className="quiet">{name.slice(-12)}</code>
      </span>
    )
  }
  return <SafeText text={by} />
}
