import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import { answer, api } from '@/api/client'
import type { Column } from '@/parts/DataTable'
import { useMoved } from '@/parts/live'
import { ListTable } from '@/parts/ListTable'
import { MakingFrame } from '@/parts/MakingFrame'
import { Moment } from '@/parts/Moment'
import { Asked } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { ScheduleDrawer } from './ScheduleDrawer'
import { ScheduleForm } from './ScheduleForm'
import { ScheduleState } from './ScheduleState'
import type { Schedule } from './schedules'
import { When } from './When'
import { scheduleWords } from './words'
import './schedules.css'

const LOOK = 5000
/** Milliseconds between looks: a run that makes no task is not told live. */

export default function SchedulesPage() {
  const say = useWords(scheduleWords)
  const url = useUrlState()
  const schedules = useQuery({
    queryKey: ['schedules'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/schedules', { signal })),
    refetchInterval: LOOK,
  })
  useMoved(() => void schedules.refetch())
  const opened = url.one('name')
  return (
    <MakingFrame
      title={say('title')}
      lead={say('lead')}
      right="definitions:write"
      make={say('newSchedule')}
      form={(close) => <ScheduleForm schedule={null} close={close} />}
    >
      <Asked query={schedules} empty={({ items }) => items.length === 0} nothing={say('nothing')}>
        {({ items }) => <ScheduleTable schedules={items} open={(name) => url.set({ name })} />}
      </Asked>
      {opened && <ScheduleDrawer key={opened} name={opened} close={() => url.set({ name: null })} />}
    </MakingFrame>
  )
}

function ScheduleTable({ schedules, open }: { schedules: Schedule[]; open: (name: string) => void }) {
  const say = useWords(scheduleWords)
  const columns: Column<Schedule>[] = [
    {
      key: 'name',
      title: say('name'),
      width: 160,
      show: (schedule) => (
        <div className="two-lines">
          <Link to={`?name=${schedule.name}`}>{schedule.name}</Link>
          <span className="quiet small">
            <SafeText text={schedule.description ?? ''} />
          </span>
        </div>
      ),
    },
    { key: 'when', title: say('when'), show: (schedule) => <When schedule={schedule} /> },
    { key: 'state', title: say('state'), width: 176, show: (schedule) => <ScheduleState schedule={schedule} /> },
    {
      key: 'next',
      title: say('next'),
      width: 100,
      show: ({ next_runs: [next] }) => (next ? <Moment at={next} /> : <span className="quiet">{say('noNext')}</span>),
    },
    { key: 'last', title: say('last'), width: 100, show: (schedule) => <Last schedule={schedule} /> },
    { key: 'event', title: say('event'), show: ({ event }) => <SafeText text={event?.type ?? ''} /> },
  ]
  return (
    <ListTable
      rows={schedules}
      idOf={({ name }) => name}
      columns={columns}
      least={1000}
      onOpen={({ name }) => open(name)}
    />
  )
}

function Last({ schedule: { last_run_at: at, last_event_id: event } }: { schedule: Schedule }) {
  const moment = <Moment at={at} />
  return event === null ? moment : <Link to={`/events/${event}`}>{moment}</Link>
}
