import type { ReactNode } from 'react'
import { useWords } from '@/words/words'
import { limitWords } from './words'

/** What a change will do, before it is made. */
export function Effects({ children }: { children: ReactNode }) {
  const say = useWords(limitWords)
  return (
    <div className="effects" role="status">
      <h2>{say('willDo')}</h2>
      <ul>{children}</ul>
    </div>
  )
}
