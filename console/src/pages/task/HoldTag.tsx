import { Tag } from 'antd'
import { Link } from 'react-router'
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
  key: 'ofKey',
  answer: 'person',
  claim: 'claim',
  looked_up: 'looked_up',
} as const

/** What holds or held a task, in a word, and where: the limit is one click away. */
export function HoldTag({ hold: { kind, scope } }: { hold: { kind: string; scope: string } }) {
  const say = useWords(taskWords)
  return (
    <>
      <Tag variant="filled" className="hold-kind">
        {kind in KINDS ? say(KINDS[kind as keyof typeof KINDS]) : kind}
      </Tag>
      {(scope.includes(':') || scope === 'everything') && (
        <Link to={`/limits?${new URLSearchParams({ scope })}`}>
          <SafeText text={scope} />
        </Link>
      )}
    </>
  )
}
