import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Flex } from 'antd'
import { Link } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { CopyButton } from '@/parts/CopyButton'
import { Elapsed } from '@/parts/Duration'
import { HoldSentence } from '@/parts/HoldSentence'
import { HiddenPayload, JsonView } from '@/parts/JsonView'
import { useMoved } from '@/parts/live'
import { Asked } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { ENDED, StatusTag } from '@/parts/StatusTag'
import { failure } from '@/retold/failure'
import { useWords } from '@/words/words'
import { typeWords } from './words'

const EVERY = 3000
/** Milliseconds between looks while it has not ended, should the live channel be away. */

/** What became of a run, while it goes on and after. */
export function RunResult({ id }: { id: string }) {
  const queries = useQueryClient()
  const queryKey = ['tasks', id]
  const task = useQuery({
    queryKey,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/tasks/{task_id}', { params: { path: { task_id: id } }, signal })),
    refetchInterval: ({ state }) => (state.data && ENDED.includes(state.data.status) ? false : EVERY),
  })
  useMoved(({ ids, more }) => {
    if (more || ids.includes(id)) void queries.invalidateQueries({ queryKey })
  })
  return <Asked query={task}>{(found) => <Outcome task={found} />}</Asked>
}

function Outcome({ task }: { task: Schemas['TaskDetail'] }) {
  const say = useWords(typeWords)
  const ended = ENDED.includes(task.status)
  return (
    <Flex vertical gap={12}>
      <Flex gap={12} align="center" wrap>
        <span role="status">
          <StatusTag status={task.status} />
        </span>
        {task.started_at && (
          <span className="quiet">
            {say('took')} <Elapsed from={task.started_at} to={task.finished_at} />
          </span>
        )}
        <Link to={`/tasks/${task.id}`}>{say('open')}</Link>
        <CopyButton text={task.id} />
      </Flex>
      {task.waiting && !ended && (
        <div>
          <h3 className="type-small-head">{say('holds')}</h3>
          <ul className="plain-list">
            {task.waiting.holds.map((hold) => (
              <li key={hold.kind + hold.scope}>
                <HoldSentence hold={hold} />
              </li>
            ))}
          </ul>
        </div>
      )}
      {task.error_message && (
        <div>
          <h3 className="type-small-head">{say('error')}</h3>
          <p className="type-error">
            <SafeText text={failure(task.error_code, task.error_message)} />
          </p>
        </div>
      )}
      {task.status === 'completed' && (
        <div>
          <h3 className="type-small-head">{say('output')}</h3>
          {task.payloads_hidden ? <HiddenPayload /> : <JsonView value={task.output_data} />}
        </div>
      )}
      {ended && <p className="quiet">{say('runAgain')}</p>}
    </Flex>
  )
}
