import { useQuery } from '@tanstack/react-query'
import { Breadcrumb, Button, Descriptions, Flex } from 'antd'
import { Link, useParams } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { CopyButton } from '@/parts/CopyButton'
import { DataTable, type Column } from '@/parts/DataTable'
import { useDecisionColumns } from '@/parts/decisions'
import { Clipped, HiddenPayload, JsonView } from '@/parts/JsonView'
import { useMoved } from '@/parts/live'
import { ExactTime, Moment } from '@/parts/Moment'
import { Asked, PageFrame, Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { StatusTag } from '@/parts/StatusTag'
import { useWords } from '@/words/words'
import { ReceivedBy } from './ReceivedBy'
import { eventWords } from './words'
import './events.css'

type Event = Schemas['EventDetail']

/** One event: what it says, what each rule decided and why, what became of the tasks. */
export default function EventPage() {
  const say = useWords(eventWords)
  const { eventId = '' } = useParams()
  const event = useQuery({
    queryKey: ['event', eventId],
    queryFn: ({ signal }) =>
      answer(api.GET('/api/v1/events/{event_id}', { params: { path: { event_id: eventId } }, signal })),
  })
  useMoved(({ ids, more }) => {
    if (more || event.data?.tasks.some(({ id }) => ids.includes(id))) void event.refetch()
  })
  return (
    <PageFrame
      tab={event.data?.type ?? say('title')}
      above={
        <Breadcrumb items={[{ title: <Link to="/events">{say('title')}</Link> }, { title: eventId.slice(-12) }]} />
      }
      title={event.data && <SafeText text={event.data.type} />}
      actions={
        event.data && (
          <Link to={`/rules/+new?event=${encodeURIComponent(event.data.type)}`}>
            <Button>{say('tryRule')}</Button>
          </Link>
        )
      }
    >
      <Asked query={event}>
        {(data) => (
          <>
            <Section title={say('decisions')}>
              <Decisions decisions={data.decisions} />
            </Section>
            <Section title={say('tasks')}>
              <Tasks tasks={data.tasks} />
            </Section>
            <div className="columns">
              <Section title={say('dataTitle')}>
                <Data event={data} />
              </Section>
              <Section title={say('facts')}>
                <Facts event={data} />
              </Section>
            </div>
          </>
        )}
      </Asked>
    </PageFrame>
  )
}

function Decisions({ decisions }: { decisions: Event['decisions'] }) {
  const decided = useDecisionColumns()
  const say = useWords(eventWords)
  if (decisions.length === 0) return <p className="quiet">{say('noDecisions')}</p>
  const columns: Column<Event['decisions'][number]>[] = [
    {
      key: 'rule',
      title: say('rule'),
      width: 200,
      show: ({ trigger, version }) => (
        <div className="two-lines">
          <Link to={`/rules/${trigger}`}>{trigger}</Link>
          <span className="quiet small">{say('version', { n: version })}</span>
        </div>
      ),
    },
    ...decided,
  ]
  return <DataTable columns={columns} rows={decisions} idOf={({ trigger }) => trigger} least={760} />
}

function Tasks({ tasks }: { tasks: Event['tasks'] }) {
  const say = useWords(eventWords)
  if (tasks.length === 0) return <p className="quiet">{say('noTasks')}</p>
  const columns: Column<Event['tasks'][number]>[] = [
    { key: 'status', title: say('status'), width: 130, show: ({ status }) => <StatusTag status={status} /> },
    { key: 'task', title: say('task'), show: ({ id, type }) => <Link to={`/tasks/${id}`}>{type}</Link> },
    { key: 'created', title: say('created'), width: 120, show: ({ created_at: at }) => <Moment at={at} /> },
    { key: 'attempts', title: say('attempts'), width: 90, align: 'right', show: (task) => task.attempt_count },
    { key: 'told', title: say('told'), show: ({ deliveries }) => <Told deliveries={deliveries} /> },
    {
      key: 'error',
      title: say('error'),
      show: ({ error_message: error }) => error && <Clipped text={error} most={200} />,
    },
  ]
  return <DataTable columns={columns} rows={tasks} idOf={({ id }) => id} least={760} />
}

function Told({ deliveries }: { deliveries: Event['tasks'][number]['deliveries'] }) {
  if (deliveries.length === 0) return <span className="quiet">–</span>
  return (
    <Flex vertical>
      {deliveries.map((one) => (
        <Link key={one.id} to={`/tasks/${one.id}`}>
          <StatusTag status={one.status} /> {one.subscription ?? one.host}
        </Link>
      ))}
    </Flex>
  )
}

function Data({ event }: { event: Event }) {
  const say = useWords(eventWords)
  if (event.payloads_hidden) return <HiddenPayload />
  if (event.data === null) return <p className="quiet">{say('noData')}</p>
  return (
    <>
      {event.binary && <p className="quiet">{say('binary')}</p>}
      <JsonView value={event.data} />
    </>
  )
}

function Facts({ event }: { event: Event }) {
  const say = useWords(eventWords)
  const items = [
    { label: say('source'), children: <SafeText text={event.source} /> },
    {
      label: say('eventId'),
      children: (
        <>
          <SafeText text={event.event_id} /> <CopyButton text={event.event_id} />
        </>
      ),
    },
    { label: say('subject'), children: event.subject === null ? '–' : <SafeText text={event.subject} /> },
    { label: say('time'), children: <ExactTime at={event.time} /> },
    { label: say('received'), children: <ExactTime at={event.received_at} /> },
    { label: say('receivedBy'), children: <ReceivedBy by={event.received_by} /> },
    {
      label: say('ourId'),
      children: (
        <>
          <code>{event.id}</code> <CopyButton text={event.id} />
        </>
      ),
    },
  ]
  return (
    <>
      <Descriptions column={1} size="small" items={items.map((item) => ({ ...item, key: item.label }))} />
      {Object.keys(event.attributes).length > 0 && (
        <>
          <h3 className="small quiet">{say('attributes')}</h3>
          <JsonView value={event.attributes} />
        </>
      )}
    </>
  )
}
