import { Tag } from 'antd'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import { Duration } from '@/parts/Duration'
import { ExactTime } from '@/parts/Moment'
import { Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { taskWords } from './words'

type Task = Schemas['TaskDetail']

/** Everything else that is known of the task. */
export function Details({ task }: { task: Task }) {
  const say = useWords(taskWords)
  return (
    <Section title={say('details')}>
      <dl className="details">
        <Item name={say('type')}>
          <Link to={`/task-types?${new URLSearchParams({ name: task.type })}`}>
            <SafeText text={task.type} />
          </Link>
        </Item>
        <Item name={say('key')}>
          {task.concurrency_key !== null && (
            <>
              <SafeText text={task.concurrency_key} />{' '}
              <Link to={`/tasks?${new URLSearchParams({ type: task.type, key: task.concurrency_key })}`}>
                {say('similar')}
              </Link>
            </>
          )}
        </Item>
        <Item name={say('labels')}>
          {Object.entries(task.labels).map(([name, value]) => (
            <Link key={name} to={`/tasks?${new URLSearchParams({ label: `${name}:${value}` })}`}>
              <Tag variant="filled">
                <SafeText text={`${name}:${value}`} />
              </Tag>
            </Link>
          ))}
        </Item>
        <Item name={say('event')}>
          {task.event_id && (
            <Link to={`/events/${encodeURIComponent(task.event_id)}`}>
              <SafeText text={task.event_id} />
            </Link>
          )}
        </Item>
        <Item name={say('created')}>
          <ExactTime at={task.created_at} />
        </Item>
        <Item name={say('runAt')}>
          <ExactTime at={task.run_at} />
        </Item>
        <Item name={say('expires')}>{task.expires_at && <ExactTime at={task.expires_at} />}</Item>
        <Item name={say('timeout')}>{task.timeout !== null && <Duration seconds={task.timeout} />}</Item>
        <Item name={say('priority')}>{String(task.priority)}</Item>
        <Item name={say('maxAttempts')}>{task.max_attempts}</Item>
        <Item name={say('failures')}>{String(task.failures)}</Item>
        <Item name={say('crashes')}>{String(task.crashes)}</Item>
        <Item name={say('deferrals')}>{String(task.deferrals)}</Item>
        <Item name={say('callback')}>{task.callback_url && <SafeText text={task.callback_url} />}</Item>
        <Item name={say('submittedBy')}>{task.submitted_by && <code>{task.submitted_by}</code>}</Item>
        <Item name={say('trace')}>{task.traceparent && <code>{task.traceparent}</code>}</Item>
      </dl>
    </Section>
  )
}

/** Nothing is shown of what is not set. */
function Item({ name, children }: { name: string; children: ReactNode }) {
  if (children == null || children === false || children === '' || (Array.isArray(children) && children.length === 0))
    return null
  return (
    <div>
      <dt>{name}</dt>
      <dd className="number">{children}</dd>
    </div>
  )
}
