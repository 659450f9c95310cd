import { useQuery } from '@tanstack/react-query'
import { Segmented, Select } from 'antd'
import { answer, api } from '@/api/client'
import { useSession } from '@/app/session'
import { Asked, PageFrame } from '@/parts/PageFrame'
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
  const say = useWords(overviewWords)
  const { can } = useSession()
  const url = useUrlState()
  const series = useSeries(url)
  const stats = useQuery({
    queryKey: ['stats'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/stats', { signal })),
    retry: false,
  })
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
  const stats = useQuery({
    queryKey: ['stats'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/stats', { signal })),
    retry: false,
  })
  const types = Object.keys(stats.data?.by_type ?? {}).sort()
  const ranges: { value: Range; label: string }[] = [
    { value: '15m', label: say('r15m') },
    { value: '1h', label: say('r1h') },
    { value: '6h', label: say('r6h') },
    { value: '24h', label: say('r24h') },
    { value: '7d', label: say('r7d') },
  ]
  return (
    <>
      <Select
        mode="multiple"
        className="overview-types"
        aria-label={say('type')}
        placeholder={say('allTypes')}
        value={url.all('type')}
        options={types.map((value) => ({ value }))}
        maxTagCount="responsive"
        allowClear
        onChange={(type) => url.set({ type })}
      />
      <Segmented
        options={ranges}
        value={rangeOf(url)}
        aria-label={say('range')}
        onChange={(range) => url.set({ range: range === '1h' ? null : range })}
      />
    </>
  )
}
