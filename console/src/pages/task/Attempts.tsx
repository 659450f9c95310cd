import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import { CopyButton } from '@/parts/CopyButton'
import { DataTable, type Column } from '@/parts/DataTable'
import { Elapsed } from '@/parts/Duration'
import { Moment } from '@/parts/Moment'
import { useNumbers } from '@/parts/numbers'
import { Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { failure } from '@/retold/failure'
import { useWords } from '@/words/words'
import { taskWords } from './words'

type Attempt = Schemas['AttemptDocument']

const OUTCOMES = {
  completed: 'outCompleted',
  failed: 'outFailed',
  cancelled: 'outCancelled',
  deferred: 'outDeferred',
  lost: 'outLost',
  asked: 'outAsked',
  handed_back: 'outHandedBack',
} as const
const TONES = {
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  deferred: 'pending',
  lost: 'failed',
  asked: 'awaiting_input',
  handed_back: 'pending',
} as const

/** Every performance of the task, with what it cost. */
export function Attempts({ attempts }: { attempts: Attempt[] }) {
  const say = useWords(taskWords)
  const columns = useColumns()
  return (
    <Section title={say('attempts')}>
      {attempts.length === 0 ? (
        <p className="quiet">{say('noAttempt')}</p>
      ) : (
        <DataTable columns={columns} rows={attempts} idOf={({ number }) => number} least={900} />
      )}
    </Section>
  )
}

function useColumns(): Column<Attempt>[] {
  const say = useWords(taskWords)
  const numbers = useNumbers()
  return [
    { key: 'number', title: say('number'), width: 48, show: ({ number }) => number },
    { key: 'outcome', title: say('outcome'), show: (attempt) => <Outcome attempt={attempt} /> },
    { key: 'started', title: say('started'), width: 104, show: ({ started_at: at }) => <Moment at={at} /> },
    {
      key: 'took',
      title: say('took'),
      width: 96,
      show: ({ started_at: from, finished_at: to }) => from && <Elapsed from={from} to={to} />,
    },
    {
      key: 'tokens',
      title: say('tokens'),
      width: 80,
      align: 'right',
      show: ({ usage }) => (usage.total_tokens == null ? '–' : numbers.whole(usage.total_tokens)),
    },
    {
      key: 'cost',
      title: say('cost'),
      width: 110,
      align: 'right',
      show: ({ usage }) => (usage.price ? `${usage.price} ${usage.currency ?? ''}` : '–'),
    },
    {
      key: 'worker',
      title: say('worker'),
      width: 124,
      show: ({ worker_id: id }) =>
        id && (
          <Link to="/workers">
            <code title={id}>{id.slice(-12)}</code>
          </Link>
        ),
    },
    {
      key: 'upstream',
      title: say('upstream'),
      width: 164,
      show: ({ upstream }) => typeof upstream?.run_id === 'string' && <RunId id={upstream.run_id} />,
    },
  ]
}

function RunId({ id }: { id: string }) {
  return (
    <>
      <code title={id}>
        <SafeText text={id.slice(0, 13)} />
      </code>{' '}
      <CopyButton text={id} />
    </>
  )
}

function Outcome({ attempt }: { attempt: Attempt }) {
  const say = useWords(taskWords)
  const { outcome } = attempt
  return (
    <div>
      <span className={`status status-${outcome ? TONES[outcome] : 'processing'}`}>
        <span className="dot" aria-hidden />
        {say(outcome ? OUTCOMES[outcome] : 'running')}
      </span>
      {attempt.error_message && (
        <div className="quiet">
          {attempt.error_code && <code>{attempt.error_code}</code>}{' '}
          <SafeText text={failure(attempt.error_code, attempt.error_message)} />
        </div>
      )}
    </div>
  )
}
