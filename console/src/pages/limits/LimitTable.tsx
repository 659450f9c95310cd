import { Link } from 'react-router'
import type { Column } from '@/parts/DataTable'
import { ListTable } from '@/parts/ListTable'
import { Meter } from '@/parts/Meter'
import { Moment } from '@/parts/Moment'
import { useNumbers } from '@/parts/numbers'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { kindOf, overridden, type Limit } from './changes'
import { placesOf, type Kind } from './filter'
import { ModeTag } from './ModeTag'
import { limitWords } from './words'

export function LimitTable({ limits, open }: { limits: Limit[]; open: (limit: Limit) => void }) {
  const columns = useColumns()
  return <ListTable rows={limits} idOf={({ scope }) => scope} columns={columns} onOpen={open} least={940} />
}

function useColumns(): Column<Limit>[] {
  const say = useWords(limitWords)
  const { whole } = useNumbers()
  return [
    {
      title: say('scope'),
      key: 'scope',
      show: (limit) => (
        <div className="two-lines">
          <Link to={{ search: `?${new URLSearchParams({ scope: limit.label }).toString()}` }}>
            <SafeText text={limit.label.slice(kindOf(limit).length + 1) || say('everything')} />
          </Link>
          <span className="quiet small">{say(kindOf(limit) as Kind)}</span>
        </div>
      ),
    },
    { title: say('state'), key: 'state', width: 160, show: (limit) => <ModeTag limit={limit} /> },
    {
      title: say('inFlight'),
      key: 'inFlight',
      width: 140,
      show: (limit) => (
        <>
          <Meter used={limit.in_flight} cap={placesOf(limit)} label={say('inFlight')} />
          {limit.unaccounted > 0 && (
            <div className="small limit-warn">{say('unaccounted', { count: limit.unaccounted })}</div>
          )}
        </>
      ),
    },
    {
      title: say('waiting'),
      key: 'waiting',
      width: 120,
      show: (limit) =>
        limit.waiting === null ? (
          <span className="quiet">–</span>
        ) : (
          <div className="two-lines">
            <span className="number">{whole(limit.waiting)}</span>
            {limit.max_pending !== null && (
              <span className="quiet small">{say('waitCap', { n: whole(limit.max_pending) })}</span>
            )}
          </div>
        ),
    },
    { title: say('rate'), key: 'rate', width: 160, show: (limit) => <Rate limit={limit} /> },
    {
      title: say('cause'),
      key: 'cause',
      width: 200,
      show: (limit) => <Cause limit={limit} />,
    },
  ]
}

export function Rate({ limit }: { limit: Limit }) {
  const say = useWords(limitWords)
  if (limit.rate === null) return <span className="quiet">–</span>
  return (
    <div className="two-lines">
      <span className="number">
        {limit.rate} {limit.burst > 1 && <span className="quiet">{say('burst', { n: limit.burst })}</span>}
      </span>
      <span className="quiet small">
        {limit.next_start_at ? (
          <>
            {say('nextStart')} <Moment at={limit.next_start_at} />
          </>
        ) : (
          limit.starts_left !== null && say('startsLeft', { count: limit.starts_left })
        )}
      </span>
    </div>
  )
}

function Cause({ limit }: { limit: Limit }) {
  const say = useWords(limitWords)
  const { override } = limit
  if (override === null) return <span className="quiet">–</span>
  return (
    <div className="two-lines">
      <span>
        <SafeText text={override.by} />{' '}
        {overridden(limit).length > 0 && <span className="limit-changed small">{say('changed')}</span>}
      </span>
      {override.reason && (
        <span className="quiet small">
          <SafeText text={override.reason} />
        </span>
      )}
    </div>
  )
}
