import { useQuery } from '@tanstack/react-query'
import { Alert } from 'antd'
import { Link } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { DataTable, type Column } from '@/parts/DataTable'
import { useNumbers } from '@/parts/numbers'
import { Asked, Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { workerWords } from './words'

type Queue = Schemas['QueueStats']

/** What waits in each queue and who serves it. */
export function Queues() {
  const say = useWords(workerWords)
  const { whole } = useNumbers()
  const stats = useQuery({
    queryKey: ['stats'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/stats', { signal })),
    refetchInterval: 3000,
  })
  const columns: Column<Queue>[] = [
    {
      key: 'name',
      title: say('queue'),
      show: ({ name }) => (
        <Link to={`/limits?scope=queue:${encodeURIComponent(name)}`}>
          <SafeText text={name} />
        </Link>
      ),
    },
    { key: 'waiting', title: say('waiting'), width: 90, align: 'right', show: ({ waiting }) => whole(waiting) },
    {
      key: 'workers',
      title: say('served'),
      width: 150,
      align: 'right',
      show: (queue) =>
        isUnserved(queue) ? <span className="worker-dead">{say('unserved')}</span> : whole(queue.workers),
    },
    { key: 'capacity', title: say('capacity'), width: 90, align: 'right', show: ({ capacity }) => whole(capacity) },
  ]
  return (
    <Asked query={stats}>
      {({ queues }) => {
        const unserved = queues
          .filter(isUnserved)
          .map(({ name }) => name)
          .join(',')
        return (
          <>
            {unserved && <Alert type="warning" showIcon title={say('unservedAdvice', { queues: unserved })} />}
            {queues.length > 0 && (
              <Section title={say('queues')}>
                <DataTable columns={columns} rows={queues} idOf={({ name }) => name} least={480} />
              </Section>
            )}
          </>
        )
      }}
    </Asked>
  )
}

function isUnserved({ waiting, workers }: Queue): boolean {
  return workers === 0 && waiting > 0
}
