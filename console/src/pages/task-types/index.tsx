import { useQuery } from '@tanstack/react-query'
import { Input } from 'antd'
import { Link, useNavigate } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import type { Column } from '@/parts/DataTable'
import { useDuration } from '@/parts/Duration'
import { ListTable } from '@/parts/ListTable'
import { useNumbers } from '@/parts/numbers'
import { Asked, PageFrame } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useLastDay, useStats } from '@/parts/typeStats'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { typesWords } from './words'
import './page.css'

type TaskType = Schemas['TaskType']

export default function TaskTypesPage() {
  const say = useWords(typesWords)
  const url = useUrlState()
  const navigate = useNavigate()
  const columns = useColumns()
  const types = useQuery({
    queryKey: ['task-types'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/task-types', { signal })),
  })
  const text = (url.one('q') ?? '').toLowerCase()
  const matching = (items: TaskType[]) =>
    items.filter(({ name, description }) => `${name} ${description ?? ''}`.toLowerCase().includes(text))
  return (
    <PageFrame title={say('title')} lead={say('lead')}>
      <Input.Search
        className="type-search"
        placeholder={say('find')}
        aria-label={say('find')}
        allowClear
        value={url.one('q') ?? ''}
        onChange={(event) => url.set({ q: event.target.value }, { replace: true })}
      />
      <Asked
        query={types}
        empty={({ items }) => matching(items).length === 0}
        nothing={say(text ? 'nothingMatches' : 'nothing')}
      >
        {({ items }) => (
          <ListTable
            columns={columns}
            rows={matching(items)}
            idOf={({ name }) => name}
            onOpen={({ name }) => void navigate(`/task-types/${name}`)}
            least={1000}
          />
        )}
      </Asked>
    </PageFrame>
  )
}

function useColumns(): Column<TaskType>[] {
  const say = useWords(typesWords)
  const { short } = useNumbers()
  const inWords = useDuration()
  const counts = useStats().data?.by_type ?? {}
  const past = Object.fromEntries((useLastDay().data?.by_type ?? []).map((one) => [one.type, one]))
  const now = (name: string, ...statuses: Schemas['Status'][]) =>
    statuses.reduce((sum, status) => sum + (counts[name]?.[status] ?? 0), 0)
  return [
    {
      key: 'type',
      title: say('type'),
      show: ({ name, description }) => (
        <div className="two-lines">
          <Link to={`/task-types/${name}`}>{name}</Link>
          {description && (
            <span className="quiet small type-description">
              <SafeText text={description} />
            </span>
          )}
        </div>
      ),
    },
    {
      key: 'runner',
      title: say('runner'),
      width: 150,
      show: ({ runner, connection }) => (
        <div className="two-lines">
          <SafeText text={runner} />
          {connection && (
            <Link className="small" to={`/connections?name=${connection}`}>
              {connection}
            </Link>
          )}
        </div>
      ),
    },
    { key: 'queue', title: say('queue'), width: 100, show: ({ queue }) => queue },
    {
      key: 'waiting',
      title: say('waiting'),
      width: 90,
      align: 'right',
      show: ({ name }) => short(now(name, 'pending', 'scheduled')),
    },
    {
      key: 'running',
      title: say('running'),
      width: 90,
      align: 'right',
      show: ({ name }) => short(now(name, 'queued', 'processing')),
    },
    {
      key: 'lastDay',
      title: say('lastDay'),
      width: 210,
      show: ({ name }) => (
        <span className="number">
          {say('outcome', { completed: short(past[name]?.completed ?? 0), failed: short(past[name]?.failed ?? 0) })}
        </span>
      ),
    },
    {
      key: 'runs',
      title: say('runs'),
      width: 170,
      show: ({ name }) => {
        const { run_p50: half = null, run_p95: most = null } = past[name] ?? {}
        return half === null || most === null ? (
          <span className="quiet">–</span>
        ) : (
          <span className="number">
            {inWords(half)} · {inWords(most)}
          </span>
        )
      },
    },
  ]
}
