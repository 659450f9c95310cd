import { useInfiniteQuery } from '@tanstack/react-query'
import { Tooltip } from 'antd'
import { Link } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { useSession } from '@/app/session'
import { DataTable, type Column } from '@/parts/DataTable'
import { LoadMore } from '@/parts/LoadMore'
import { ExactTime, Moment } from '@/parts/Moment'
import { Asked } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { scheduleWords } from './words'

type Run = Schemas['RunDocument']

const PAGE = 20
const LOOK = 5000
const HINTS = { raised: null, skipped: 'skippedHint', missed: 'missedHint' } as const

/** What a schedule did, newest first. */
export function Runs({ name }: { name: string }) {
  const say = useWords(scheduleWords)
  const runs = useInfiniteQuery({
    queryKey: ['schedules', name, 'runs'],
    queryFn: ({ signal, pageParam }) =>
      answer(
        api.GET('/api/v1/schedules/{name}/runs', {
          params: { path: { name }, query: { limit: PAGE, before: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ items }) => (items.length < PAGE ? undefined : items.at(-1)?.fire_at),
    refetchInterval: (query) => query.state.data?.pages.length === 1 && LOOK,
  })
  return (
    <section>
      <h2 className="small quiet">{say('runs')}</h2>
      <Asked query={runs} empty={({ pages }) => pages[0]?.items.length === 0} nothing={say('noneYet')}>
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items)
          return (
            <>
              <RunTable runs={items} />
              <LoadMore query={runs} shown={items.length} />
            </>
          )
        }}
      </Asked>
    </section>
  )
}

function RunTable({ runs }: { runs: Run[] }) {
  const say = useWords(scheduleWords)
  const { can } = useSession()
  const columns: Column<Run>[] = [
    { key: 'for', title: say('runFor'), width: 210, show: ({ fire_at: at }) => <ExactTime at={at} /> },
    {
      key: 'outcome',
      title: say('outcome'),
      show: ({ outcome, reason }) => {
        const hint = HINTS[outcome]
        return (
          <Tooltip title={hint && say(hint)}>
            <span className={`status run-${outcome}`}>
              <span className="dot" aria-hidden />
              {say(outcome)}
            </span>
            {reason && (
              <div className="quiet small">
                <SafeText text={reason} />
              </div>
            )}
          </Tooltip>
        )
      },
    },
    { key: 'decided', title: say('decided'), width: 100, show: ({ decided_at: at }) => <Moment at={at} /> },
    {
      key: 'event',
      title: say('lookEvent'),
      width: 76,
      show: ({ event_id: id }) => id && can('events:read') && <Link to={`/events/${id}`}>{say('lookEvent')}</Link>,
    },
  ]
  return <DataTable columns={columns} rows={runs} idOf={({ fire_at }) => fire_at} least={500} />
}
