import { useMemo } from 'react'
import { useNavigate } from 'react-router'
import type { Schemas } from '@/api/client'
import { Chart } from '@/parts/Chart'
import { useDuration } from '@/parts/Duration'
import { useNumbers } from '@/parts/numbers'
import { Section } from '@/parts/PageFrame'
import { namesOf } from '@/parts/range'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { rangeOf, total, useTimeFormat } from './range'
import { overviewWords } from './words'

type Point = Schemas['SeriesPoint']

/** What was accepted and ended, how long it took, what it used. */
export function Charts({ series }: { series: Schemas['SeriesDocument'] }) {
  const say = useWords(overviewWords)
  const url = useUrlState()
  const numbers = useNumbers()
  const inWords = useDuration()
  const navigate = useNavigate()
  const timeFormat = useTimeFormat(rangeOf(url))
  const { points } = series
  const times = useMemo(() => points.map(({ at }) => at), [points])
  const values = (name: keyof Point) => points.map((point) => point[name] as number | null)
  const outcomes = [
    { name: say('completed'), kind: 'bar' as const, color: '--good-dot', stack: 'ended', values: values('completed') },
    { name: say('failed'), kind: 'bar' as const, color: '--bad-dot', stack: 'ended', values: values('failed') },
    { name: say('cancelled'), kind: 'bar' as const, color: '--warn-dot', stack: 'ended', values: values('cancelled') },
    { name: say('accepted'), kind: 'line' as const, color: '--busy-dot', values: values('accepted') },
  ]
  const statuses = ['completed', 'failed', 'cancelled', null]
  const pick = (index: number, name: string) => {
    const point = points[index]
    const status = statuses[outcomes.findIndex((one) => one.name === name)]
    if (point) void navigate(`/tasks?${searchFor(point, series.bucket_seconds, status ?? null, url.all('type'))}`)
  }
  const words = {
    accepted: numbers.whole(total(series, 'accepted')),
    completed: numbers.whole(total(series, 'completed')),
    failed: numbers.whole(total(series, 'failed')),
  }
  const tokens = numbers.whole(total(series, 'tokens'))
  return (
    <>
      <Section title={say('throughput')} extra={<span className="quiet small">{say('clickHint')}</span>}>
        <Chart
          label={say('throughputLabel', words)}
          times={times}
          series={outcomes}
          format={numbers.short}
          timeFormat={timeFormat}
          onPick={pick}
        />
      </Section>
      <div className="two">
        <Section title={say('latency')}>
          <Chart
            label={say('latencyLabel')}
            times={times}
            format={inWords}
            timeFormat={timeFormat}
            series={[
              { name: say('runP50'), kind: 'line', color: '--busy-dot', values: values('run_p50') },
              { name: say('runP95'), kind: 'line', color: '--person-dot', values: values('run_p95') },
              { name: say('waitP50'), kind: 'line', color: '--wait-dot', values: values('wait_p50') },
              { name: say('waitP95'), kind: 'line', color: '--warn-dot', values: values('wait_p95') },
            ]}
          />
        </Section>
        <Section title={say('usage')}>
          <Chart
            label={say('usageLabel', { tokens })}
            times={times}
            format={numbers.short}
            timeFormat={timeFormat}
            series={[{ name: say('tokens'), kind: 'bar', color: '--busy-dot', values: values('tokens') }]}
          />
        </Section>
      </div>
    </>
  )
}

/** The tasks that were accepted at the point, or that ended then. */
function searchFor(point: Point, bucket: number, status: string | null, types: string[]): URLSearchParams {
  const names = namesOf(status === null ? '' : 'ended_')
  const search = new URLSearchParams(types.map((type) => ['type', type]))
  if (status !== null) search.set('status', status)
  search.set(names.after, point.at)
  search.set(names.before, new Date(Date.parse(point.at) + bucket * 1000).toISOString())
  return search
}
