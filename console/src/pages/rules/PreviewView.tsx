import { CaretDownOutlined, CaretRightOutlined } from '@ant-design/icons'
import { Alert, Button, Flex, Tag } from 'antd'
import { useState } from 'react'
import { Link } from 'react-router'
import { DataTable, type Column } from '@/parts/DataTable'
import { Conditions, OutcomeTag, OUTCOMES } from '@/parts/decisions'
import { HiddenPayload, JsonView } from '@/parts/JsonView'
import { Moment } from '@/parts/Moment'
import { SafeText } from '@/parts/SafeText'
import { useNumbers } from '@/parts/numbers'
import { useWords } from '@/words/words'
import { CHANGES, CHANGE_WORDS, type Change, type Preview } from './preview'
import { ruleWords } from './words'

type Tried = Preview['items'][number]
type Trial = Tried['draft']

const STEP = 10
/** Events that are shown before somebody asks for more. */

/** What a draft would have made: in sum, part by part of its filter, event by event. */
export function PreviewView({ found }: { found: Preview }) {
  const say = useWords(ruleWords)
  if (found.seen === 0) return <p className="quiet">{say('seenNone')}</p>
  return (
    <Flex vertical gap={14}>
      <PreviewSum found={found} />
      {found.conditions.length > 0 && <Parts conditions={found.conditions} />}
      <Items items={found.items} />
    </Flex>
  )
}

/** The sum alone. */
export function PreviewSum({ found }: { found: Preview }) {
  const say = useWords(ruleWords)
  const numbers = useNumbers()
  return (
    <Flex vertical gap={8}>
      <span>
        {say('seen', { count: found.seen })} <Moment at={found.back_to} />
      </span>
      {!found.complete && <Alert type="info" showIcon title={say('incomplete')} />}
      <table className="preview-sum">
        <tbody>
          <Counts label={say('draft')} counts={found.outcomes} />
          {found.current && <Counts label={say('current')} counts={found.current} />}
        </tbody>
      </table>
      {found.current && (
        <Flex gap={6} wrap align="center">
          <span className="quiet">{say('against')}</span>
          {CHANGES.map((change) => (
            <ChangeTag key={change} change={change} count={numbers.whole(found.changes[change] ?? 0)} />
          ))}
        </Flex>
      )}
    </Flex>
  )
}

function Counts({ label, counts }: { label: string; counts: Preview['outcomes'] }) {
  const numbers = useNumbers()
  return (
    <tr>
      <th scope="row">{label}</th>
      {OUTCOMES.map((outcome) => (
        <td key={outcome}>
          {(counts[outcome] ?? 0) > 0 && (
            <>
              <strong className="number">{numbers.whole(counts[outcome] ?? 0)}</strong> <OutcomeTag outcome={outcome} />
            </>
          )}
        </td>
      ))}
    </tr>
  )
}

function Parts({ conditions }: { conditions: Preview['conditions'] }) {
  const say = useWords(ruleWords)
  const columns: Column<Preview['conditions'][number]>[] = [
    { key: 'text', title: say('partsOfFilter'), show: ({ text }) => <code className="free-text">{text}</code> },
    { key: 'true', title: say('partTrue'), width: 64, align: 'right', show: (part) => part.true },
    { key: 'false', title: say('partFalse'), width: 64, align: 'right', show: (part) => part.false },
    { key: 'failed', title: say('partFailed'), width: 84, align: 'right', show: (part) => part.failed },
  ]
  return <DataTable columns={columns} rows={conditions} idOf={({ text }) => text} least={360} />
}

function ChangeTag({ change, count }: { change: Change; count?: string }) {
  const say = useWords(ruleWords)
  return (
    <span className={`change change-${change}`}>
      {count && <strong className="number">{count}</strong>} {say(CHANGE_WORDS[change])}
    </span>
  )
}

function Items({ items }: { items: Tried[] }) {
  const say = useWords(ruleWords)
  const [only, setOnly] = useState<Change | null>(null)
  const present = CHANGES.filter((change) => items.some((item) => item.change === change))
  const [most, setMost] = useState(STEP)
  const shown = items.filter(({ change }) => only === null || change === only)
  return (
    <Flex vertical gap={8}>
      <Flex gap={6} align="center" wrap>
        <strong>{say('eventsShown')}</strong>
        {present.length > 1 &&
          present.map((change) => (
            <Tag.CheckableTag
              key={change}
              checked={only === change}
              onChange={(checked) => setOnly(checked ? change : null)}
            >
              {say(CHANGE_WORDS[change])}
            </Tag.CheckableTag>
          ))}
      </Flex>
      <ul className="tried">
        {shown.slice(0, most).map((item) => (
          <TriedItem key={item.id} item={item} />
        ))}
      </ul>
      {shown.length > most && (
        <Button size="small" type="link" onClick={() => setMost(most + STEP * 4)}>
          + {shown.length - most}
        </Button>
      )}
    </Flex>
  )
}

function TriedItem({ item }: { item: Tried }) {
  const [open, setOpen] = useState(false)
  return (
    <li>
      <button type="button" className="tried-head" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? <CaretDownOutlined /> : <CaretRightOutlined />}
        <span className="tried-name">
          <SafeText text={item.event_id} />
        </span>
        <OutcomeTag outcome={item.draft.outcome} />
        {item.change && <ChangeTag change={item.change} />}
      </button>
      {open && <Detail item={item} />}
    </li>
  )
}

function Detail({ item }: { item: Tried }) {
  const say = useWords(ruleWords)
  return (
    <Flex vertical gap={10} className="tried-detail">
      <Flex gap={10} className="small">
        <Link to={`/events/${item.id}`}>{say('lookEvent')}</Link>
        <span className="quiet">
          {say('received')} <Moment at={item.received_at} />
        </span>
      </Flex>
      <Conditions conditions={item.draft.conditions} />
      {item.draft.reason && (
        <span>
          <code>{item.draft.part}</code> <SafeText text={item.draft.reason} />
        </span>
      )}
      {item.differs.length > 0 && (
        <span>
          {say('differs')} <code>{item.differs.join(', ')}</code>
        </span>
      )}
      <TaskOf title={say('taskAfter')} trial={item.draft} />
      {item.current && item.change !== 'same' && <TaskOf title={say('taskBefore')} trial={item.current} />}
    </Flex>
  )
}

function TaskOf({ title, trial }: { title: string; trial: Trial }) {
  const say = useWords(ruleWords)
  const hidden = trial.task?.input === null
  return (
    <div>
      <h3 className="small quiet">{title}</h3>
      {trial.task ? <JsonView value={trial.task} /> : <span className="quiet">{say('noTask')}</span>}
      {hidden && <HiddenPayload />}
    </div>
  )
}
