import { Tag } from 'antd'
import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import { HoldSentence } from '@/parts/HoldSentence'
import { Moment } from '@/parts/Moment'
import { Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { taskWords } from './words'

const KINDS = {
  full: 'full',
  rate: 'rate',
  paused: 'paused',
  draining: 'draining',
  ceiling: 'ceiling',
  down: 'down',
  workers_full: 'workers_full',
  no_worker: 'no_worker',
  undefined: 'undefined',
  later: 'later',
  turn: 'turn',
  claim: 'claim',
  looked_up: 'looked_up',
} as const

/** Every limit that holds the task; when all are lifted it starts. */
export function Waiting({ waiting }: { waiting: Schemas['WaitingDocument'] }) {
  const say = useWords(taskWords)
  const { ahead, holds } = waiting
  return (
    <Section title={say('waitingTitle')}>
      <ul className="holds">
        {holds.map((hold) => (
          <li key={hold.kind + hold.scope}>
            <Tag variant="filled" className="hold-kind">
              {hold.kind in KINDS ? say(KINDS[hold.kind as keyof typeof KINDS]) : hold.kind}
            </Tag>
            {(hold.scope.includes(':') || hold.scope === 'everything') && (
              <Link to={`/limits?${new URLSearchParams({ scope: hold.scope })}`}>
                <SafeText text={hold.scope} />
              </Link>
            )}
            {hold.places !== null && (
              <span className="number">{say('inUse', { used: hold.in_use ?? 0, places: hold.places })}</span>
            )}
            <span className="quiet">
              <HoldSentence hold={hold} />
              {hold.until && (
                <>
                  {' '}
                  {say('until')} <Moment at={hold.until} />
                </>
              )}
              {Object.keys(hold.held_by).length > 0 && (
                <>
                  {' '}
                  · {say('heldBy')} <SafeText text={namesOf(hold.held_by)} />
                </>
              )}
            </span>
          </li>
        ))}
      </ul>
      {ahead !== null && ahead > 0 && (
        <p className="quiet">{ahead >= 1000 ? say('aheadMany') : say('ahead', { count: ahead })}</p>
      )}
    </Section>
  )
}

function namesOf(holders: Record<string, number>): string {
  return Object.entries(holders)
    .map(([name, number]) => `${name} ${number}`)
    .join(', ')
}
