import { Button, Segmented } from 'antd'
import { Link } from 'react-router'
import { useSession } from '@/app/session'
import { TypeFilter } from '@/parts/filters'
import { Asked, Message, PageFrame } from '@/parts/PageFrame'
import { useStats } from '@/parts/typeStats'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { ByType } from './ByType'
import { Charts } from './Charts'
import { Queues } from './Queues'
import { rangeOf, useSeries, type Range } from './range'
import { Tiles } from './Tiles'
import { Upstream } from './Upstream'
import { Waits } from './Waits'
import { overviewWords } from './words'
import './overview.css'

export default function OverviewPage() {
  const { session } = useSession()
  return session?.own_only ? <OwnOnly /> : <Everything />
}

/** Sums are of all tasks, so they are not for a key that sees its own. */
function OwnOnly() {
  const say = useWords(overviewWords)
  return (
    <PageFrame title={say('title')}>
      <Message title={say('ownOnly')} advice={say('ownOnlyAdvice')}>
        <Link to="/tasks">
          <Button type="primary">{say('toTasks')}</Button>
        </Link>
      </Message>
    </PageFrame>
  )
}

function Everything() {
  const say = useWords(overviewWords)
  const { can } = useSession()
  const url = useUrlState()
  const series = useSeries(url)
  const stats = useStats()
  return (
    <PageFrame title={say('title')} actions={<Choices />}>
      <Asked query={stats}>
        {(now) => (
          <>
            <Tiles stats={now} series={series.data} />
            <Asked query={series}>{(data) => <Charts series={data} />}</Asked>
            <div className="two">
              <Waits />
              {can('definitions:read') && <Upstream />}
            </div>
            <div className="two two-wide">
              {series.data && <ByType rows={series.data.by_type} />}
              <Queues stats={now} />
            </div>
          </>
        )}
      </Asked>
    </PageFrame>
  )
}

function Choices() {
  const say = useWords(overviewWords)
  const url = useUrlState()
  const ranges: { value: Range; label: string }[] = [
    { value: '15m', label: say('r15m') },
    { value: '1h', label: say('r1h') },
    { value: '6h', label: say('r6h') },
    { value: '24h', label: say('r24h') },
    { value: '7d', label: say('r7d') },
  ]
  return (
    <>
      <div className="filter-bar">
        <TypeFilter />
      </div>
      <Segmented
        options={ranges}
        value={rangeOf(url)}
        aria-label={say('range')}
        onChange={(range) => url.set({ range: range === '1h' ? null : range })}
      />
    </>
  )
}
