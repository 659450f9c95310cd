import type { Schemas } from '@/api/client'
import { useWords } from '@/words/words'
import { connectionWords } from './words'

export type Limit = Schemas['LimitDocument']

const STYLES = {
  open: 'connection-open',
  down: 'connection-down',
  paused: 'connection-down',
  draining: 'connection-draining',
  drained: 'connection-draining',
} as const

/** Whether it takes calls now. */
export function StateTag({ limit }: { limit: Limit | undefined }) {
  const say = useWords(connectionWords)
  if (limit === undefined) return <span className="quiet">–</span>
  const state = limit.mode === 'open' && limit.ceiling?.down ? 'down' : limit.mode
  return (
    <span className={`connection-state ${STYLES[state]}`}>
      <span className="dot" aria-hidden />
      {say(state)}
    </span>
  )
}

/** The places that hold now: the cap, or what was learnt if that is less. */
export function placesOf({ max_running, ceiling }: Limit): number | null {
  if (ceiling === null) return max_running
  return max_running === null ? ceiling.level : Math.min(max_running, ceiling.level)
}
