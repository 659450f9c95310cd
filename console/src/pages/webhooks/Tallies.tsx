import { useNumbers } from '@/parts/numbers'
import { useWords } from '@/words/words'
import { RECEIVED, TROUBLE, troubled, type Hook } from './hooks'
import { hookWords } from './words'

/** How many messages came to which end; what goes wrong now stands out. */
export function Tallies({ hook }: { hook: Hook }) {
  const say = useWords(hookWords)
  const numbers = useNumbers()
  const ends = RECEIVED.filter((end) => hook.received[end])
  if (ends.length === 0) return <span className="quiet">{say('never')}</span>
  const wrong = troubled(hook)
  return (
    <ul className="tallies">
      {ends.map((end) => (
        <li key={end} className={wrong && TROUBLE.includes(end) ? 'tally-wrong' : undefined}>
          <strong className="number">{numbers.short(hook.received[end]?.number ?? 0)}</strong> {say(end)}
        </li>
      ))}
    </ul>
  )
}
