import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { useSession } from '@/app/session'
import { DataTable, type Column } from '@/parts/DataTable'
import { useDecisionColumns } from '@/parts/decisions'
import { useMoved } from '@/parts/live'
import { LoadMore } from '@/parts/LoadMore'
import { Asked } from '@/parts/PageFrame'
import { useWords } from '@/words/words'
import { ruleWords } from './words'

type Decision = Schemas['TriggerDecision']

const PAGE = 50
const LOOK = 5000
/** Milliseconds between looks for decisions that made no task: only tasks are told live. */

/** What a rule decided about events, newest first. */
export function Decisions({ name }: { name: string }) {
  const say = useWords(ruleWords)
  const { can } = useSession()
  const decisions = useInfiniteQuery({
    queryKey: ['decisions', name],
    queryFn: ({ signal, pageParam }) =>
      answer(
        api.GET('/api/v1/triggers/{name}/decisions', {
          params: { path: { name }, query: { limit: PAGE, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    enabled: can('events:read'),
    refetchInterval: (query) => query.state.data?.pages.length === 1 && LOOK,
  })
  useMoved(() => void (decisions.data?.pages.length === 1 && decisions.refetch()))
  const decided = useDecisionColumns()
  const columns: Column<Decision>[] = [
    {
      key: 'event',
      title: say('lookEvent'),
      width: 140,
      show: ({ event_id: id }) => (
        <Link to={`/events/${id}`}>
          <code>{id.slice(-12)}</code>
        </Link>
      ),
    },
    ...decided,
    { key: 'version', title: say('version'), width: 90, align: 'right', show: ({ version }) => version },
  ]
  if (!can('events:read')) return <p className="quiet">{say('previewNeeds', { right: 'events:read' })}</p>
  return (
    <Asked query={decisions} empty={({ pages }) => pages[0]?.items.length === 0} nothing={say('noDecisions')}>
      {({ pages }) => {
        const items = pages.flatMap((page) => page.items)
        return (
          <>
            <div className="section flush">
              <DataTable columns={columns} rows={items} idOf={(one) => one.event_id} least={820} />
            </div>
            <LoadMore query={decisions} shown={items.length} />
          </>
        )
      }}
    </Asked>
  )
}
