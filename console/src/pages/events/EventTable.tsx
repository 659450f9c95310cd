import { Link, useNavigate } from 'react-router'
import type { Schemas } from '@/api/client'
import { OutcomeTag } from '@/parts/decisions'
import type { Column } from '@/parts/DataTable'
import { ListTable } from '@/parts/ListTable'
import { Moment } from '@/parts/Moment'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { ReceivedBy } from './ReceivedBy'
import { eventWords } from './words'

type Event = Schemas['EventDocument']

/** Events, newest first, each with what was decided; a row leads to its event. */
export function EventTable({ events }: { events: Event[] }) {
  const say = useWords(eventWords)
  const navigate = useNavigate()
  const columns: Column<Event>[] = [
    { title: say('received'), key: 'received', width: 130, show: (event) => <Moment at={event.received_at} /> },
    {
      title: say('type'),
      key: 'type',
      cut: true,
      show: (event) => (
        <div className="two-lines">
          <Link to={`/events/${event.id}`}>
            <SafeText text={event.type} />
          </Link>
          <span className="quiet small">
            <SafeText text={event.event_id} />
          </span>
        </div>
      ),
    },
    {
      title: say('source'),
      key: 'source',
      cut: true,
      show: (event) => (
        <div className="two-lines">
          <SafeText text={event.source} />
          <span className="quiet small">{event.subject !== null && <SafeText text={event.subject} />}</span>
        </div>
      ),
    },
    {
      title: say('receivedBy'),
      key: 'by',
      width: 180,
      cut: true,
      show: (event) => <ReceivedBy by={event.received_by} />,
    },
    { title: say('decided'), key: 'decided', width: 320, show: (event) => <Decided event={event} /> },
  ]
  return (
    <ListTable
      rows={events}
      idOf={({ id }) => id}
      columns={columns}
      least={1000}
      onOpen={({ id }) => void navigate(`/events/${id}`)}
    />
  )
}

function Decided({ event }: { event: Event }) {
  const say = useWords(eventWords)
  if (event.decisions.length === 0) return <span className="quiet">{say('noRule')}</span>
  const told = event.decisions.filter(({ outcome }) => outcome !== 'no_match')
  const unmatched = event.decisions.length - told.length
  return (
    <ul className="decided">
      {told.map((decision) => (
        <li key={decision.trigger}>
          <OutcomeTag outcome={decision.outcome} />{' '}
          {decision.task_id === null ? (
            <span className="quiet">{decision.trigger}</span>
          ) : (
            <Link to={`/tasks/${decision.task_id}`}>{decision.trigger}</Link>
          )}
        </li>
      ))}
      {unmatched > 0 && <li className="quiet">{say('notMatched', { count: unmatched })}</li>}
    </ul>
  )
}
