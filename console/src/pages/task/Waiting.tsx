import type { Schemas } from '@/api/client'
import { HoldSentence } from '@/parts/HoldSentence'
import { Moment } from '@/parts/Moment'
import { Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { HoldTag } from './HoldTag'
import { taskWords } from './words'

/** Every limit that holds the task; when all are lifted it starts. */
export function Waiting({ waiting }: { waiting: Schemas['WaitingDocument'] }) {
  const say = useWords(taskWords)
  const { ahead, holds } = waiting
  return (
    <Section title={say('waitingTitle')}>
      <ul className="holds">
        {holds.map((hold) => (
          <li key={hold.kind + hold.scope}>
            <HoldTag hold={hold} />
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
