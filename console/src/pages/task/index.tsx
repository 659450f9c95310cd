import { useQuery } from '@tanstack/react-query'
import { Alert, Breadcrumb, Flex } from 'antd'
import { Link, useParams } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { CopyButton } from '@/parts/CopyButton'
import { Clipped, HiddenPayload, JsonView } from '@/parts/JsonView'
import { useMoved } from '@/parts/live'
import { LogList } from '@/parts/LogList'
import { useNumbers } from '@/parts/numbers'
import { Asked, PageFrame, Section } from '@/parts/PageFrame'
import { ProblemView } from '@/parts/ProblemView'
import { SafeText } from '@/parts/SafeText'
import { ENDED, StatusTag } from '@/parts/StatusTag'
import { failure } from '@/retold/failure'
import { useWords } from '@/words/words'
import { Attempts } from './Attempts'
import { Deliveries } from './Deliveries'
import { Details } from './Details'
import { Question } from './Question'
import { TaskActions } from './TaskActions'
import { Timeline } from './Timeline'
import { Waiting } from './Waiting'
import { Waterfall } from './Waterfall'
import { useWatch } from './watch'
import { taskWords } from './words'
import './task.css'

export default function TaskPage() {
  const say = useWords(taskWords)
  const { taskId = '' } = useParams()
  const task = useQuery({
    queryKey: ['task', taskId],
    queryFn: ({ signal }) =>
      answer(api.GET('/api/v1/tasks/{task_id}', { params: { path: { task_id: taskId } }, signal })),
  })
  useMoved(({ ids, more }) => void ((more || ids.includes(taskId)) && task.refetch()))
  const head = task.data
  return (
    <PageFrame
      tab={head?.type ?? taskId}
      above={<Breadcrumb items={[{ title: <Link to="/tasks">{say('tasks')}</Link> }, { title: taskId.slice(-12) }]} />}
      title={
        head && (
          <Flex gap={14} align="center" wrap>
            <SafeText text={head.type} />
            <StatusTag status={head.status} />
          </Flex>
        )
      }
      lead={
        <>
          <code>{taskId}</code> <CopyButton text={taskId} />
        </>
      }
      actions={head && <TaskActions task={head} />}
    >
      <Asked query={task}>{(data) => <Body key={data.id} task={data} />}</Asked>
    </PageFrame>
  )
}

function Body({ task }: { task: Schemas['TaskDetail'] }) {
  const say = useWords(taskWords)
  const lives = !ENDED.includes(task.status)
  const watched = useWatch(task.id, lives)
  return (
    <>
      {task.cancel_requested_at && lives && <Alert type="warning" showIcon title={say('cancelAsked')} />}
      {task.error_message && task.status === 'failed' && (
        <Alert
          type="error"
          showIcon
          title={say('failure')}
          description={
            <>
              {task.error_code && <code>{task.error_code}</code>}{' '}
              <Clipped text={failure(task.error_code, task.error_message)} />
            </>
          }
        />
      )}
      {task.status === 'awaiting_input' && <Question task={task} />}
      {task.waiting && <Waiting waiting={task.waiting} />}
      <Timeline task={task} />
      {watched.text && lives && (
        <Section title={say('liveText')}>
          <div className="live-text" aria-live="off">
            <SafeText text={watched.text.slice(-20_000)} />
          </div>
        </Section>
      )}
      <div className="two">
        <Section title={say('input')}>
          {task.payloads_hidden ? <HiddenPayload /> : <JsonView value={task.input_data} />}
        </Section>
        <Section title={say('output')}>
          <Output task={task} />
        </Section>
      </div>
      <Attempts attempts={task.attempts} />
      <Waterfall lines={watched.lines} attempts={task.attempts} />
      <Section title={say('log')}>
        {watched.error != null && <ProblemView error={watched.error} />}
        <LogList lines={watched.lines} name={`task-${task.id}`} follows={lives} />
      </Section>
      {!!task.deliveries?.length && <Deliveries deliveries={task.deliveries} />}
      <Details task={task} />
    </>
  )
}

function Output({ task }: { task: Schemas['TaskDetail'] }) {
  const say = useWords(taskWords)
  const numbers = useNumbers()
  if (task.payloads_hidden) return <HiddenPayload />
  if (task.output_data === null) return <p className="quiet">{say('noOutput')}</p>
  return (
    <>
      {task.output_clipped && (
        <p className="quiet">
          {say('outputClipped', { bytes: numbers.bytes(task.output_clipped.bytes) })}{' '}
          <code>{task.output_clipped.sha256}</code>
        </p>
      )}
      <JsonView value={task.output_data} />
    </>
  )
}
