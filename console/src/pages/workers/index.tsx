import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Alert, Checkbox } from 'antd'
import { answer, api, type Schemas } from '@/api/client'
import { useSession } from '@/app/session'
import { useMoved } from '@/parts/live'
import { Asked, PageFrame } from '@/parts/PageFrame'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { Queues } from './Queues'
import { Summary } from './Summary'
import { WorkerTable } from './WorkerTable'
import { workerWords } from './words'
import './page.css'

type Worker = Schemas['WorkerDocument']

const EVERY = 3000
/** Milliseconds between looks: beats come every two seconds. */

export default function WorkersPage() {
  const say = useWords(workerWords)
  const { can } = useSession()
  const url = useUrlState()
  const queries = useQueryClient()
  const workers = useQuery({
    queryKey: ['workers'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/workers', { signal })),
    refetchInterval: EVERY,
  })
  useMoved(() => void queries.invalidateQueries({ queryKey: ['workers'] }))
  const withGone = url.one('gone') === 'yes'
  return (
    <PageFrame title={say('title')} lead={say('lead')}>
      <Asked query={workers} empty={({ items }) => items.length === 0} nothing={say('nothing')}>
        {({ items }) => {
          const present = items.filter(isPresent)
          const gone = items.length - present.length
          return (
            <>
              {present.length === 0 && <Alert type="warning" showIcon title={say('noneLive')} />}
              <Summary workers={present} />
              {(withGone || present.length > 0) && <WorkerTable workers={withGone ? items : present} />}
              {gone > 0 && (
                <Checkbox
                  checked={withGone}
                  onChange={({ target }) => url.set({ gone: target.checked ? 'yes' : null })}
                >
                  {say('gone', { count: gone })}
                </Checkbox>
              )}
            </>
          )
        }}
      </Asked>
      {can('tasks:read') && <Queues />}
    </PageFrame>
  )
}

function isPresent({ status }: Worker): boolean {
  return status === 'live' || status === 'draining'
}
