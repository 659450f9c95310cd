import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { useSession } from '@/app/session'
import { useDuration } from '@/parts/Duration'
import { useNumbers } from '@/parts/numbers'
import { Asked, Nothing, Section } from '@/parts/PageFrame'
import { useLastDay } from '@/parts/typeStats'
import { useWords } from '@/words/words'
import { Fact } from './Facts'
import { typeWords } from './words'

type Series = Schemas['SeriesDocument']

/** What happened to tasks of the type in the last 24 hours. */
export function Statistics({ name }: { name: string }) {
  const say = useWords(typeWords)
  const { session, can } = useSession()
  const series = useLastDay(name)
  if (!can('tasks:read') || session?.own_only) return <Nothing>{say('noStats')}</Nothing>
  return (
    <Asked query={series} empty={({ by_type }) => by_type.length === 0} nothing={say('quietDay')}>
      {(found) => (
        <div className="type-parts">
          <Sums of={found.by_type[0]} />
          <Section title={say('perHour')}>
            <Bars series={found} />
          </Section>
        </div>
      )}
    </Asked>
  )
}

function Sums({ of }: { of: Series['by_type'][number] | undefined }) {
  const say = useWords(typeWords)
  const { whole, short } = useNumbers()
  const { i18n } = useTranslation()
  const inWords = useDuration()
  if (of === undefined) return null
  const pair = (half: number | null, most: number | null) =>
    half === null || most === null ? '–' : `${inWords(half)} · ${inWords(most)}`
  const costs = Object.entries(of.cost).map(([currency, amount]) => money(amount, currency, i18n.language))
  return (
    <Section title={say('lastDay')}>
      <dl className="type-sums">
        <Fact name={say('completed')}>{whole(of.completed)}</Fact>
        <Fact name={say('failed')}>{whole(of.failed)}</Fact>
        <Fact name={say('cancelled')}>{whole(of.cancelled)}</Fact>
        <Fact name={say('waits')}>{pair(of.wait_p50, of.wait_p95)}</Fact>
        <Fact name={say('runs')}>{pair(of.run_p50, of.run_p95)}</Fact>
        <Fact name={say('tokens')}>{short(of.tokens)}</Fact>
        <Fact name={say('cost')}>{costs.join(' + ') || '–'}</Fact>
      </dl>
    </Section>
  )
}

/** A price; a currency that the browser does not know stands behind it. */
function money(amount: number, currency: string, language: string): string {
  try {
    return new Intl.NumberFormat(language, { style: 'currency', currency, maximumFractionDigits: 4 }).format(amount)
  } catch {
    return `${amount} ${currency}`
  }
}

function Bars({ series }: { series: Series }) {
  const say = useWords(typeWords)
  const { whole } = useNumbers()
  const { i18n } = useTranslation()
  const format = new Intl.DateTimeFormat(i18n.language, { hour: '2-digit', minute: '2-digit' })
  const tallest = Math.max(1, ...series.points.map(({ completed, failed }) => completed + failed))
  const words = ({ at, completed, failed }: Series['points'][number]) =>
    say('point', { time: format.format(new Date(at)), completed: whole(completed), failed: whole(failed) })
  return (
    <>
      <div className="type-bars" role="img" aria-label={say('perHour')}>
        {series.points.map((point) => (
          <span key={point.at} title={words(point)} className="type-bar">
            <i className="type-bar-bad" style={{ height: `${(point.failed / tallest) * 100}%` }} />
            <i className="type-bar-good" style={{ height: `${(point.completed / tallest) * 100}%` }} />
          </span>
        ))}
      </div>
      <div className="type-axis quiet small number">
        <span>{format.format(new Date(series.from))}</span>
        <span>{format.format(new Date(series.to))}</span>
      </div>
    </>
  )
}
