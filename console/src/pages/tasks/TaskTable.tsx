import { Tag } from 'antd'
import { Link, useNavigate } from 'react-router'
import type { Schemas } from '@/api/client'
import { useNow } from '@/parts/clock'
import type { Column } from '@/parts/DataTable'
import { useDuration } from '@/parts/Duration'
import { ListTable } from '@/parts/ListTable'
import { Moment } from '@/parts/Moment'
import { SafeText } from '@/parts/SafeText'
import { StatusTag } from '@/parts/StatusTag'
import { failure } from '@/retold/failure'
import { useWords } from '@/words/words'
import { taskListWords } from './words'

type Task = Schemas['TaskDocument']

/** One page of tasks; a row leads to its task. */
export function TaskTable({ tasks }: { tasks: Task[] }) {
  const navigate = useNavigate()
  const columns = useColumns()
  return (
    <ListTable
      columns={columns}
      rows={tasks}
      idOf={({ id }) => id}
      least={900}
      onOpen={({ id }) => void navigate(`/tasks/${id}`)}
    />
  )
}

function useColumns(): Column<Task>[] {
  const say = useWords(taskListWords)
  return [
    { key: 'status', title: say('status'), width: 140, show: (task) => <StatusTag status={task.status} /> },
    {
      key: 'task',
      title: say('task'),
      show: (task) => (
        <div className="task-name">
          <Link to={`/tasks/${task.id}`}>
            <SafeText text={task.type} />
          </Link>
          <code className="quiet" title={task.id}>
            {task.id.slice(-12)}
          </code>
        </div>
      ),
    },
    {
      key: 'key',
      title: say('key'),
      width: 180,
      show: ({ concurrency_key: key, labels }) =>
        (key !== null || Object.keys(labels).length > 0) && (
          <div className="task-name">
            {key !== null && <SafeText text={key} />}
            <Labels labels={labels} />
          </div>
        ),
    },
    { key: 'created', title: say('created'), width: 120, show: (task) => <Moment at={task.created_at} /> },
    { key: 'duration', title: say('duration'), width: 130, show: (task) => <Took task={task} /> },
    { key: 'attempts', title: say('attempts'), width: 84, align: 'right', show: (task) => task.attempt_count || '–' },
    {
      key: 'error',
      title: say('error'),
      cut: true,
      show: (task) =>
        task.error_message && (
          <span className="task-error">
            <SafeText text={failure(task.error_code, task.error_message)} />
          </span>
        ),
    },
  ]
}

function Labels({ labels }: { labels: Record<string, string> }) {
  return (
    <span className="task-labels">
      {Object.entries(labels).map(([name, value]) => (
        <Tag key={name} variant="filled">
          <SafeText text={`${name}:${value}`} />
        </Tag>
      ))}
    </span>
  )
}

/** How long the last attempt took or takes; before that, how long it has waited. */
function Took({ task }: { task: Task }) {
  const say = useWords(taskListWords)
  const inWords = useDuration()
  const now = useNow()
  const since = (from: string, to: number) => inWords(Math.max(0, (to - Date.parse(from)) / 1000))
  if (task.finished_at && task.started_at) {
    return <span className="number">{since(task.started_at, Date.parse(task.finished_at))}</span>
  }
  if (task.finished_at || task.status === 'scheduled') return <span className="quiet">–</span>
  if (task.status === 'processing' && task.started_at) {
    return <span className="number">{say('runs', { time: since(task.started_at, now) })}</span>
  }
  return <span className="number quiet">{say('waits', { time: since(task.updated_at, now) })}</span>
}
