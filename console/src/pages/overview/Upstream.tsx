import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { useNumbers } from '@/parts/numbers'
import { Asked, Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { CeilingReason } from '@/retold/CeilingReason'
import { useWords } from '@/words/words'
import { overviewWords } from './words'

type Limit = Schemas['LimitDocument']

/** How the connections are: what runs there, what was learnt of them. */
export function Upstream() {
  const say = useWords(overviewWords)
  const numbers = useNumbers()
  const limits = useQuery({
    queryKey: ['limits'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/limits', { signal })),
    refetchInterval: 5000,
    select: ({ items }) => items.filter(({ scope }) => scope.startsWith('connection:')),
  })
  return (
    <Section title={say('upstream')}>
      <Asked query={limits} empty={(items) => items.length === 0} nothing={say('upstreamNone')}>
        {(items) => (
          <ul className="lines">
            {items.map((limit) => (
              <li key={limit.scope}>
                <State limit={limit} />
                <Link to="/connections" className="line-name">
                  <SafeText text={limit.scope.slice('connection:'.length)} />
                </Link>
                <span className="quiet number">
                  {say('inFlight', { n: numbers.short(limit.in_flight) })} · {placesOf(limit)}
                  {limit.ceiling && (
                    <>
                      {' '}
                      · <CeilingReason ceiling={limit.ceiling} />
                    </>
                  )}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Asked>
    </Section>
  )

  function placesOf(limit: Limit): string {
    const places = Math.min(limit.ceiling?.level ?? Infinity, limit.max_running ?? Infinity)
    return Number.isFinite(places) ? say('takes', { n: numbers.short(places) }) : say('noLimit')
  }
}

function State({ limit: { ceiling, mode } }: { limit: Limit }) {
  const say = useWords(overviewWords)
  const bad = ceiling?.down === true
  const slow = ceiling !== null || mode !== 'open'
  return (
    <span className={`status status-${bad ? 'failed' : slow ? 'cancelled' : 'completed'}`}>
      <span className="dot" aria-hidden />
      {bad ? say('down') : slow ? say('slowed') : say('up')}
    </span>
  )
}
