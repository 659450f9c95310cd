import { keepPreviousData, useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { Select } from 'antd'
import { Link } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { DataTable, type Column } from '@/parts/DataTable'
import { useDone } from '@/parts/done'
import { FilterBar, TextFilter } from '@/parts/filters'
import { Clipped } from '@/parts/JsonView'
import { useMoved } from '@/parts/live'
import { LoadMore } from '@/parts/LoadMore'
import { Moment } from '@/parts/Moment'
import { Asked } from '@/parts/PageFrame'
import { ProblemView } from '@/parts/ProblemView'
import { RightButton } from '@/parts/RightButton'
import { SafeText } from '@/parts/SafeText'
import { STATUSES, StatusTag, type Status } from '@/parts/StatusTag'
import { partWords } from '@/parts/words'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { callbackWords } from './words'

type Delivery = Schemas['DeliveryDocument']

const PAGE = 50
const FILTERS = ['subscription', 'status', 'task']

/** What was told, to whom, and how it went; newest first. */
export function Deliveries() {
  const say = useWords(callbackWords)
  const url = useUrlState()
  const status = url.all('status') as Status[]
  const query = { subscription: url.one('subscription'), task: url.one('task'), status }
  const deliveries = useInfiniteQuery({
    queryKey: ['deliveries', query],
    queryFn: ({ signal, pageParam }) =>
      answer(
        api.GET('/api/v1/deliveries', { params: { query: { ...query, limit: PAGE, cursor: pageParam } }, signal }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  })
  useMoved(() => void (deliveries.data?.pages.length === 1 && deliveries.refetch()))
  const filtered = FILTERS.some((name) => url.one(name) !== undefined)
  return (
    <>
      <h2 className="callbacks-head">{say('deliveries')}</h2>
      <Filters status={status} />
      <Asked
        query={deliveries}
        empty={({ pages }) => pages[0]?.items.length === 0}
        nothing={say(filtered ? 'noneMatch' : 'noDeliveries')}
      >
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items)
          return (
            <>
              <DeliveryTable deliveries={items} />
              <LoadMore query={deliveries} shown={items.length} />
            </>
          )
        }}
      </Asked>
    </>
  )
}

function Filters({ status }: { status: Status[] }) {
  const say = useWords(callbackWords)
  const sayPart = useWords(partWords)
  const url = useUrlState()
  return (
    <FilterBar label={say('filters')} names={FILTERS}>
      <TextFilter name="subscription" label={say('anySubscription')} />
      <Select
        mode="multiple"
        aria-label={say('anyStatus')}
        placeholder={say('anyStatus')}
        value={status}
        options={STATUSES.map((value) => ({ value, label: sayPart(value) }))}
        maxTagCount="responsive"
        allowClear
        onChange={(value) => url.set({ status: value })}
      />
      <TextFilter name="task" label={say('taskId')} />
    </FilterBar>
  )
}

function DeliveryTable({ deliveries }: { deliveries: Delivery[] }) {
  const say = useWords(callbackWords)
  const again = useAgain()
  const columns: Column<Delivery>[] = [
    {
      key: 'status',
      title: say('status'),
      width: 176,
      show: ({ status, next_attempt_at: next }) => (
        <div className="two-lines">
          <StatusTag status={status} />
          {next && (
            <span className="quiet small">
              {say('nextAt')} <Moment at={next} />
            </span>
          )}
        </div>
      ),
    },
    {
      key: 'to',
      title: say('to'),
      width: 190,
      show: ({ subscription, host, event }) => (
        <div className="two-lines">
          {subscription ? <Link to={`?name=${subscription}`}>{subscription}</Link> : <SafeText text={host ?? ''} />}
          <span className="quiet small">
            <SafeText text={event.replace(/^ai\.tradefree\./, '')} />
          </span>
        </div>
      ),
    },
    {
      key: 'task',
      title: say('ofTask'),
      width: 130,
      show: ({ task_id: id }) =>
        id ? (
          <Link to={`/tasks/${id}`}>
            <code>{id.slice(-12)}</code>
          </Link>
        ) : (
          <span className="quiet">{say('testEvent')}</span>
        ),
    },
    { key: 'created', title: say('created'), width: 104, show: ({ created_at: at }) => <Moment at={at} /> },
    { key: 'attempts', title: say('attempts'), width: 76, align: 'right', show: (one) => one.attempt_count },
    {
      key: 'error',
      title: say('error'),
      show: ({ error_message: error }) => error && <Clipped text={error} most={120} />,
    },
    {
      key: 'more',
      title: say('look'),
      width: 120,
      show: ({ id, status }) => (
        <>
          <Link to={`/tasks/${id}`}>{say('look')}</Link>{' '}
          {(status === 'failed' || status === 'cancelled') && (
            <RightButton right="tasks:write" size="small" loading={again.isPending} onClick={() => again.mutate(id)}>
              {say('again')}
            </RightButton>
          )}
        </>
      ),
    },
  ]
  return (
    <>
      {again.isError && <ProblemView error={again.error} />}
      <div className="section flush">
        <DataTable columns={columns} rows={deliveries} idOf={({ id }) => id} least={1080} />
      </div>
    </>
  )
}

function useAgain() {
  const say = useWords(callbackWords)
  const queries = useQueryClient()
  const done = useDone()
  return useMutation({
    mutationFn: (id: string) =>
      answer(api.POST('/api/v1/tasks/{task_id}/retries', { params: { path: { task_id: id } } })),
    onSuccess: async () => {
      done({ title: say('againDone') })
      await queries.invalidateQueries({ queryKey: ['deliveries'] })
    },
  })
}
