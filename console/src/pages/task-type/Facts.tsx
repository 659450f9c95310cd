import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import { useDuration } from '@/parts/Duration'
import { useNumbers } from '@/parts/numbers'
import { Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { typeWords } from './words'

type TaskType = Schemas['TaskType']

/** The definition in words. */
export function Facts({ type }: { type: TaskType }) {
  const say = useWords(typeWords)
  const retries = useRetries(type)
  const inWords = useDuration()
  const { concurrency, limits = [] } = type
  return (
    <Section title={say('definition')}>
      <dl className="type-facts">
        <Fact name={say('runner')}>
          <SafeText text={type.runner} />
        </Fact>
        <Fact name={say('connection')}>
          {type.connection ? <Link to={`/connections?name=${type.connection}`}>{type.connection}</Link> : say('none')}
        </Fact>
        <Fact name={say('queue')}>
          <Link to={`/limits?scope=queue:${type.queue}`}>{type.queue}</Link>
        </Fact>
        <Fact name={say('timeout')}>{inWords(Number(type.timeout))}</Fact>
        <Fact name={say('retries')}>{retries}</Fact>
        <Fact name={say('sideEffects')}>{say(type.side_effects ? 'withEffects' : 'withoutEffects')}</Fact>
        <Fact name={say('unknown')}>{say(type.on_unknown ?? (type.side_effects ? 'hold' : 'rerun'))}</Fact>
        <Fact name={say('key')}>
          {concurrency?.key ? <code>{concurrency.key}</code> : say('none')}
          {concurrency?.max_running_per_key && (
            <span className="quiet"> · {say('perKey', { n: concurrency.max_running_per_key })}</span>
          )}
        </Fact>
        <Fact name={say('sharedLimits')}>
          {limits.length === 0
            ? say('none')
            : limits.map((name) => (
                <Link key={name} to={`/limits?scope=limit:${name}`}>
                  {name}{' '}
                </Link>
              ))}
        </Fact>
        <Fact name={say('weight')}>{type.weight}</Fact>
      </dl>
    </Section>
  )
}

function useRetries({ retry }: TaskType): string {
  const say = useWords(typeWords)
  const inWords = useDuration()
  const { whole } = useNumbers()
  if (retry?.max_attempts === 1) return say('once')
  const [n, initial, maximum] = [retry?.max_attempts ?? 1, Number(retry?.initial ?? 0), Number(retry?.maximum ?? 0)]
  return say('retriesText', { n: whole(n), initial: inWords(initial), maximum: inWords(maximum) })
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
