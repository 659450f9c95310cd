import { Moment } from '@/parts/Moment'
import { useWords } from '@/words/words'
import { type Limit } from './changes'
import { limitWords } from './words'

/** Whether tasks of the scope may start, and what was learnt of its connection. */
export function ModeTag({ limit }: { limit: Limit }) {
  const say = useWords(limitWords)
  const { mode, ceiling, override } = limit
  const down = mode === 'open' && ceiling?.down
  return (
    <div className="two-lines">
      <span className={`limit-mode limit-${down ? 'down' : mode}`}>
        <span className="dot" aria-hidden />
        {say(down ? 'down' : mode)}
      </span>
      <span className="quiet small">
        {override?.mode_until && mode !== 'open' ? (
          <>
            {say('until')} <Moment at={override.mode_until} />
          </>
        ) : (
          ceiling && !ceiling.down && say('ceiling', { level: ceiling.level })
        )}
      </span>
    </div>
  )
}
