import { useWords } from '@/words/words'
import { useNumbers } from './numbers'
import { partWords } from './words'
import './lists.css'

interface Props {
  used: number
  /** Null: there is no cap, so no bar. */
  cap: number | null | undefined
  /** What is counted, for readers. */
  label: string
}

/** "12 of 40" with a bar, which warns when it is full. */
export function Meter({ used, cap, label }: Props) {
  const say = useWords(partWords)
  const { whole } = useNumbers()
  if (cap == null) return <span className="meter number">{whole(used)}</span>
  const full = used >= cap
  return (
    <span className={full ? 'meter meter-full' : 'meter'}>
      <span className="number">{say('usedOf', { used: whole(used), cap: whole(cap) })}</span>
      <meter min={0} max={Math.max(cap, 1)} value={Math.min(used, cap)} aria-label={label} />
    </span>
  )
}
