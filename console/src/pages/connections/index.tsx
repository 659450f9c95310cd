import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import type { Column } from '@/parts/DataTable'
import { ListTable } from '@/parts/ListTable'
import { useMoved } from '@/parts/live'
import { Meter } from '@/parts/Meter'
import { MakingFrame } from '@/parts/MakingFrame'
import { Asked } from '@/parts/PageFrame'
import { useNumbers } from '@/parts/numbers'
import { SafeText } from '@/parts/SafeText'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { ConnectionDrawer } from './ConnectionDrawer'
import { ConnectionForm } from './ConnectionForm'
import { placesOf, StateTag, type Limit } from './StateTag'
import { connectionWords } from './words'
import './page.css'

type Connection = Schemas['ConnectionDocument']

export default function ConnectionsPage() {
  const say = useWords(connectionWords)
  const url = useUrlState()
  const limits = useLimits()
  const columns = useColumns(limits)
  const connections = useQuery({
    queryKey: ['connections'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/connections', { signal })),
  })
  const open = connections.data?.items.find(({ name }) => name === url.one('name'))
  return (
    <MakingFrame
      title={say('title')}
      lead={say('lead')}
      right="definitions:write"
      make={say('define')}
      form={(close) => <ConnectionForm close={close} />}
    >
      <Asked query={connections} empty={({ items }) => items.length === 0} nothing={say('nothing')}>
        {({ items }) => (
          <ListTable
            columns={columns}
            rows={items}
            idOf={({ name }) => name}
            onOpen={({ name }) => url.set({ name })}
            least={860}
          />
        )}
      </Asked>
      {open && (
        <ConnectionDrawer connection={open} limit={limits.get(open.name)} close={() => url.set({ name: null })} />
      )}
    </MakingFrame>
  )
}

/** How each connection stands, by its name. */
function useLimits(): Map<string, Limit> {
  const queries = useQueryClient()
  const limits = useQuery({
    queryKey: ['limits'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/limits', { signal })),
    refetchInterval: 5000,
  })
  useMoved(() => void queries.invalidateQueries({ queryKey: ['limits'], exact: true }))
  const items = limits.data?.items.filter(({ scope }) => scope.startsWith('connection:')) ?? []
  return new Map(items.map((limit) => [limit.scope.slice('connection:'.length), limit]))
}

function useColumns(limits: Map<string, Limit>): Column<Connection>[] {
  const say = useWords(connectionWords)
  const { whole } = useNumbers()
  return [
    {
      key: 'connection',
      title: say('connection'),
      show: ({ name, base_url }) => (
        <div className="two-lines">
          <Link to={`?name=${name}`}>{name}</Link>
          <span className="quiet small">
            <SafeText text={base_url} />
          </span>
        </div>
      ),
    },
    { key: 'state', title: say('state'), width: 170, show: ({ name }) => <StateTag limit={limits.get(name)} /> },
    {
      key: 'inFlight',
      title: say('inFlight'),
      width: 140,
      show: ({ name }) => {
        const limit = limits.get(name)
        return limit ? <Meter used={limit.in_flight} cap={placesOf(limit)} label={say('inFlight')} /> : '–'
      },
    },
    {
      key: 'waiting',
      title: say('waiting'),
      width: 90,
      align: 'right',
      show: ({ name }) => whole(limits.get(name)?.waiting ?? 0),
    },
    { key: 'caps', title: say('caps'), width: 220, show: (connection) => <Caps of={connection} /> },
  ]
}

export function Caps({ of }: { of: Connection }) {
  const say = useWords(connectionWords)
  const { whole } = useNumbers()
  const words = [
    of.max_running !== null && say('atOnce', { n: whole(of.max_running) }),
    of.rate !== null && say('perPeriod', { rate: of.rate, burst: whole(of.burst) }),
    of.max_pending !== null && say('mayWait', { n: whole(of.max_pending) }),
  ].filter((one) => one !== false)
  return words.length === 0 ? <span className="quiet">{say('noCaps')}</span> : words.join(' · ')
}
