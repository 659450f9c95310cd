import { ThunderboltOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Alert, Button, Modal, Progress, Segmented, Tooltip } from 'antd'
import { useState, type ReactNode } from 'react'
import { answer, api, type Schemas } from '@/api/client'
import { useSession } from '@/app/session'
import { useNumbers } from '@/parts/numbers'
import { Asked } from '@/parts/PageFrame'
import { ProblemView } from '@/parts/ProblemView'
import { ExactTime } from '@/parts/Moment'
import { SafeText } from '@/parts/SafeText'
import { StatusTag } from '@/parts/StatusTag'
import { useWords } from '@/words/words'
import { actionFilterOf, isEmpty, queryOf, type TaskFilter } from './filter'
import { useSteps, type Progressing } from './steps'
import { taskListWords } from './words'

type Action = Schemas['TaskAction']['action']

/** Retry or cancel everything that the filters match. */
export function BulkButton({ filter }: { filter: TaskFilter }) {
  const say = useWords(taskListWords)
  const { can } = useSession()
  const [open, setOpen] = useState(false)
  const denied = !can('tasks:write')
  return (
    <>
      <Tooltip title={denied ? say('needsWrite') : undefined}>
        <Button icon={<ThunderboltOutlined />} disabled={denied} onClick={() => setOpen(true)}>
          {say('bulk')}
        </Button>
      </Tooltip>
      {open && <Bulk filter={filter} onClose={() => setOpen(false)} />}
    </>
  )
}

function Bulk({ filter, onClose }: { filter: TaskFilter; onClose: () => void }) {
  const say = useWords(taskListWords)
  const [action, setAction] = useState<Action>('retry')
  const [meant] = useState(() => ({ filter: actionFilterOf(filter), all: isEmpty(filter) }))
  const plan = useQuery({
    queryKey: ['bulk', action, meant],
    queryFn: ({ signal }) =>
      answer(api.POST('/api/v1/task-actions', { body: { ...meant, action, dry_run: true }, signal })),
    staleTime: Infinity,
  })
  const steps = useSteps({ ...meant, action })
  const options = [
    { value: 'retry' as const, label: say('bulkRetry') },
    { value: 'cancel' as const, label: say('bulkCancel') },
  ]
  const begun = steps.state !== 'ready'
  return (
    <Modal
      open
      title={say('bulkTitle')}
      okText={options.find(({ value }) => value === action)?.label}
      okButtonProps={{
        danger: action === 'cancel',
        loading: steps.state === 'runs',
        disabled: begun || !plan.data?.matched,
      }}
      cancelText={say(steps.state === 'runs' ? 'bulkStop' : 'bulkBack')}
      onOk={() => void steps.run()}
      onCancel={steps.state === 'runs' ? steps.stop : onClose}
      mask={{ closable: !begun }}
    >
      <div className="bulk">
        <Segmented options={options} value={action} onChange={setAction} disabled={begun} />
        <FilterInWords filter={filter} />
        {filter.status.length === 0 && <p className="quiet">{say('bulkHint')}</p>}
        <Asked query={plan}>{(found) => <Plan found={found} action={action} />}</Asked>
        {begun && <Steps steps={steps} all={plan.data?.matched ?? 0} />}
      </div>
    </Modal>
  )
}

/** How many it would be, and what it would cost. */
function Plan({ found, action }: { found: Schemas['ActionOutcome']; action: Action }) {
  const say = useWords(taskListWords)
  const numbers = useNumbers()
  const { estimate } = found
  const n = numbers.whole(found.matched)
  const cost = Object.entries(estimate?.cost ?? {}).map(([currency, amount]) => `${amount.toPrecision(3)} ${currency}`)
  return (
    <p className="bulk-plan">
      <strong className="number">{say(estimate?.more ? 'bulkMore' : 'bulkCount', { count: found.matched, n })}</strong>
      {action === 'retry' && found.matched > 0 && (
        <span className="quiet">
          {estimate?.tokens == null
            ? say('bulkUnknown')
            : say('bulkCost', { tokens: numbers.short(estimate.tokens), cost: cost.join(' + ') || '–' })}
        </span>
      )}
    </p>
  )
}

function Steps({ steps, all }: { steps: Progressing; all: number }) {
  const say = useWords(taskListWords)
  const { matched, changed, error, state } = steps
  const percent = state === 'done' ? 100 : Math.min(99, Math.round((matched / Math.max(all, 1)) * 100))
  return (
    <>
      <Progress percent={percent} status={error ? 'exception' : state === 'runs' ? 'active' : 'normal'} />
      {error != null && <ProblemView error={error} />}
      <p role="status">
        {say('done', { count: matched, changed })} {state === 'stopped' && say('bulkStopped')}{' '}
        {state === 'done' && changed < matched && say('changedSince')}
      </p>
    </>
  )
}

function FilterInWords({ filter }: { filter: TaskFilter }) {
  const say = useWords(taskListWords)
  if (isEmpty(filter)) return <Alert type="warning" showIcon title={say('bulkEverything')} />
  const asked = queryOf(filter)
  const parts: [string, ReactNode][] = [
    [say('status'), filter.status.map((status) => <StatusTag key={status} status={status} />)],
    [say('type'), texts(filter.type)],
    [say('key'), texts([filter.key])],
    [say('label'), texts(filter.label)],
    [say('text'), texts([filter.q])],
    [`${say('created')} ${say('from')}`, asked.created_after && <ExactTime at={asked.created_after} />],
    [`${say('created')} ${say('until')}`, asked.created_before && <ExactTime at={asked.created_before} />],
    [`${say('ended')} ${say('from')}`, asked.finished_after && <ExactTime at={asked.finished_after} />],
    [`${say('ended')} ${say('until')}`, asked.finished_before && <ExactTime at={asked.finished_before} />],
  ]
  const given = parts.filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== undefined))
  return (
    <dl className="bulk-filter" aria-label={say('bulkWhat')}>
      {given.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function texts(values: (string | undefined)[]): ReactNode[] {
  return values.flatMap((value) => (value === undefined ? [] : [<SafeText key={value} text={value} />]))
}
