import { useInfiniteQuery } from '@tanstack/react-query'
import { Drawer, Select } from 'antd'
import { useState } from 'react'
import { Link } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import type { Column } from '@/parts/DataTable'
import { FilterBar, TextFilter, TimeFilter } from '@/parts/filters'
import { ListTable } from '@/parts/ListTable'
import { LoadMore } from '@/parts/LoadMore'
import { ExactTime, Moment } from '@/parts/Moment'
import { Asked, PageFrame } from '@/parts/PageFrame'
import { boundsOf, namesOf, rangeOf } from '@/parts/range'
import { SafeText } from '@/parts/SafeText'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { Entry } from './Entry'
import { auditWords } from './words'

type Line = Schemas['AuditEntry']

const KINDS = [
  'limit',
  'type',
  'connection',
  'trigger',
  'hook',
  'schedule',
  'subscription',
  'key',
  'session',
  'worker',
  'tasks',
  'secrets',
  'database',
] as const

export default function AuditPage() {
  const say = useWords(auditWords)
  const url = useUrlState()
  const [open, setOpen] = useState<Line | null>(null)
  const columns = useColumns(setOpen)
  const asked = { target: url.one('target'), actor: url.one('actor'), action: url.one('action') }
  const lines = useInfiniteQuery({
    queryKey: ['audit', url.text],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...asked, ...boundsOf(rangeOf(url)), cursor: pageParam, limit: 50 }
      return answer(api.GET('/api/v1/audit', { params: { query }, signal }))
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 ? 10_000 : false),
  })
  const items = lines.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <PageFrame title={say('title')} lead={say('lead')}>
      <FilterBar label={say('filters')} names={['target', 'actor', 'action', ...Object.values(namesOf())]}>
        <TextFilter name="target" label={say('target')} hint={say('targetHint')} />
        <TextFilter name="actor" label={say('actor')} />
        <Select
          aria-label={say('action')}
          placeholder={say('anyAction')}
          allowClear
          value={url.one('action')}
          options={KINDS.map((kind) => ({ value: `${kind}.*`, label: say(kind) }))}
          onChange={(action: string | undefined) => url.set({ action })}
        />
        <TimeFilter />
      </FilterBar>
      <Asked query={lines} empty={() => items.length === 0} nothing={say('nothing')}>
        {() => (
          <>
            <ListTable columns={columns} rows={items} idOf={({ id }) => id} onOpen={setOpen} least={860} />
            <LoadMore query={lines} shown={items.length} />
          </>
        )}
      </Asked>
      <Drawer
        open={open !== null}
        size={600}
        onClose={() => setOpen(null)}
        title={<code>{open?.action}</code>}
        destroyOnHidden
      >
        {open && <Entry entry={open} onFollow={() => setOpen(null)} />}
      </Drawer>
    </PageFrame>
  )
}

function useColumns(open: (line: Line) => void): Column<Line>[] {
  const say = useWords(auditWords)
  return [
    {
      key: 'at',
      title: say('at'),
      width: 240,
      show: ({ at }) => (
        <div className="two-lines">
          <Moment at={at} />
          <span className="quiet small">
            <ExactTime at={at} />
          </span>
        </div>
      ),
    },
    { key: 'actor', title: say('actor'), width: 150, cut: true, show: ({ actor }) => <SafeText text={actor} /> },
    {
      key: 'action',
      title: say('action'),
      width: 170,
      show: (line) => (
        <button type="button" className="as-link" onClick={() => open(line)}>
          <code>{line.action}</code>
        </button>
      ),
    },
    {
      key: 'target',
      title: say('target'),
      show: ({ target }) => (
        <Link to={`?${new URLSearchParams({ target }).toString()}`}>
          <SafeText text={target} />
        </Link>
      ),
    },
    {
      key: 'detail',
      title: say('reason'),
      width: 200,
      cut: true,
      show: ({ detail: { reason } }) => typeof reason === 'string' && reason && <SafeText text={reason} />,
    },
  ]
}
