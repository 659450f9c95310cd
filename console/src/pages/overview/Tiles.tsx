import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import { useNumbers } from '@/parts/numbers'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { costs, rangeOf, total } from './range'
import { overviewWords } from './words'

interface Props {
  stats: Schemas['Stats']
  series: Schemas['SeriesDocument'] | undefined
}

/** The numbers to look at first; each leads to its tasks. */
export function Tiles({ stats, series }: Props) {
  const say = useWords(overviewWords)
  const numbers = useNumbers()
  const { i18n } = useTranslation()
  const percent = new Intl.NumberFormat(i18n.language, { style: 'percent', maximumFractionDigits: 1 })
  const range = rangeOf(useUrlState())
  const { workers } = stats
  const counts = useCounts(stats)
  const done = series && { completed: total(series, 'completed'), failed: total(series, 'failed') }
  const ended = done && series ? done.completed + done.failed + total(series, 'cancelled') : 0
  const paid = series ? costs(series) : []
  return (
    <div className="tiles">
      <Tile
        name={say('running')}
        value={numbers.short(counts('processing') + counts('queued'))}
        note={workers.live ? say('ofPlaces', { places: numbers.short(workers.capacity) }) : say('noWorkers')}
        bad={workers.live === 0}
        search="status=processing&status=queued"
      />
      <Tile
        name={say('waiting')}
        value={numbers.short(counts('pending'))}
        note={counts('scheduled') ? say('scheduledToo', { n: numbers.short(counts('scheduled')) }) : ''}
        search="status=pending"
      />
      {counts('awaiting_input') > 0 && (
        <Tile name={say('people')} value={numbers.short(counts('awaiting_input'))} search="status=awaiting_input" />
      )}
      <Tile
        name={say('completed')}
        value={done ? numbers.short(done.completed) : '–'}
        search={`status=completed&ended_last=${range}`}
      />
      <Tile
        name={say('failed')}
        value={done ? numbers.short(done.failed) : '–'}
        note={done && ended ? say('failedRate', { percent: percent.format(done.failed / ended) }) : ''}
        bad={!!done?.failed}
        search={`status=failed&ended_last=${range}`}
      />
      <Tile name={say('tokens')} value={series ? numbers.short(total(series, 'tokens')) : '–'} />
      <Tile
        name={say('cost')}
        value={paid.length ? <Costs paid={paid} /> : '–'}
        note={paid.length ? '' : say('noCost')}
      />
    </div>
  )
}

/** How many tasks have a status, of the types that are chosen. */
function useCounts(stats: Schemas['Stats']): (status: string) => number {
  const types = useUrlState().all('type')
  if (types.length === 0) return (status) => stats.by_status[status] ?? 0
  return (status) => types.reduce((sum, type) => sum + (stats.by_type[type]?.[status] ?? 0), 0)
}

function Costs({ paid }: { paid: [string, number][] }) {
  const { i18n } = useTranslation()
  const figures = new Intl.NumberFormat(i18n.language, { maximumSignificantDigits: 3 })
  return paid.map(([currency, amount]) => (
    <span key={currency} className="tile-cost">
      {figures.format(amount)} <span className="tile-unit">{currency}</span>{' '}
    </span>
  ))
}

interface TileProps {
  name: string
  value: ReactNode
  note?: ReactNode
  bad?: boolean
  search?: string
}

function Tile({ name, value, note, bad, search }: TileProps) {
  const types = useUrlState()
    .all('type')
    .map((type) => `&type=${encodeURIComponent(type)}`)
    .join('')
  const inside = (
    <>
      <span className="tile-name">{name}</span>
      <span className={`tile-value number ${bad ? 'tile-bad' : ''}`}>{value}</span>
      <span className="tile-note">{note}</span>
    </>
  )
  if (search === undefined) return <div className="tile">{inside}</div>
  return (
    <Link className="tile" to={`/tasks?${search}${types}`}>
      {inside}
    </Link>
  )
}
