import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import { answer, api } from '@/api/client'
import { HoldSentence } from '@/parts/HoldSentence'
import { useNumbers } from '@/parts/numbers'
import { Asked, Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { overviewWords } from './words'

/** Which limits hold how many tasks. */
export function Waits() {
  const say = useWords(overviewWords)
  const numbers = useNumbers()
  const waits = useQuery({
    queryKey: ['waits'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/stats/waits', { signal })),
    refetchInterval: 5000,
  })
  return (
    <Section title={say('waits')}>
      <Asked query={waits} empty={({ items }) => items.length === 0} nothing={say('waitsNone')}>
        {({ items }) => (
          <ul className="lines">
            {items.slice(0, 12).map((wait) => (
              <li key={`${wait.type} ${wait.kind} ${wait.scope}`}>
                <Link to={`/tasks?${new URLSearchParams({ status: 'pending', type: wait.type })}`} className="number">
                  {say('tasks', { count: wait.tasks, n: numbers.short(wait.tasks) })}
                </Link>
                <span className="line-name">
                  <SafeText text={wait.type} />
                </span>
                <span className="quiet">
                  <HoldSentence hold={wait} />
                </span>
                {(wait.scope.includes(':') || wait.scope === 'everything') && (
                  <Link to={`/limits?${new URLSearchParams({ scope: wait.scope })}`} className="small">
                    <SafeText text={wait.scope} />
                  </Link>
                )}
              </li>
            ))}
          </ul>
        )}
      </Asked>
    </Section>
  )
}
