import { CheckOutlined, CloseOutlined, QuestionOutlined } from '@ant-design/icons'
import { Tooltip } from 'antd'
import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import type { Column } from '@/parts/DataTable'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { decisionWords } from './words'
import './decisions.css'

export type Outcome = Schemas['Outcome']
type Condition = Schemas['ConditionDocument']

export const OUTCOMES: readonly Outcome[] = ['made', 'no_match', 'failed', 'refused']

const HINTS = { made: 'madeHint', no_match: 'noMatchHint', failed: 'failedHint', refused: 'refusedHint' } as const

/** What a rule decided about an event, as a word with a dot of its colour. */
export function OutcomeTag({ outcome }: { outcome: Outcome }) {
  const say = useWords(decisionWords)
  return (
    <Tooltip title={say(HINTS[outcome])}>
      <span className={`status outcome-${outcome}`}>
        <span className="dot" aria-hidden />
        {say(outcome)}
      </span>
    </Tooltip>
  )
}

interface Decided {
  readonly outcome: Outcome
  readonly conditions: readonly Condition[]
  readonly task_id: string | null
  readonly part: string | null
  readonly reason: string
}

/** What was decided and why, for a table of decisions. */
export function useDecisionColumns(): Column<Decided>[] {
  const say = useWords(decisionWords)
  return [
    { key: 'outcome', title: say('outcome'), width: 150, show: ({ outcome }) => <OutcomeTag outcome={outcome} /> },
    {
      key: 'conditions',
      title: say('conditions'),
      show: ({ conditions }) => <Conditions conditions={conditions} />,
    },
    {
      key: 'why',
      title: say('why'),
      show: ({ task_id: task, part, reason }) =>
        task !== null ? (
          <Link to={`/tasks/${task}`}>{say('task')}</Link>
        ) : (
          <>
            {part && <code>{part}</code>} <SafeText text={reason} />
          </>
        ),
    },
  ]
}

/** The parts of a filter, each with whether it was true. */
export function Conditions({ conditions }: { conditions: readonly Condition[] }) {
  if (conditions.length === 0) return null
  return (
    <ul className="conditions">
      {conditions.map((condition, index) => (
        <li key={index}>
          <Held held={condition.held} />
          <code>
            <SafeText text={condition.text || '…'} />
          </code>
          {condition.reason && (
            <span className="quiet">
              <SafeText text={condition.reason} />
            </span>
          )}
        </li>
      ))}
    </ul>
  )
}

function Held({ held }: { held: boolean | null }) {
  const say = useWords(decisionWords)
  if (held === null)
    return <QuestionOutlined className="held-none" aria-label={say('noValue')} title={say('noValue')} />
  return held ? (
    <CheckOutlined className="held" aria-label={say('held')} title={say('held')} />
  ) : (
    <CloseOutlined className="held-not" aria-label={say('notHeld')} title={say('notHeld')} />
  )
}
