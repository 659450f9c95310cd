import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import { DataTable } from '@/parts/DataTable'
import { useNumbers } from '@/parts/numbers'
import { Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { overviewWords } from './words'

/** What waits in which queue, and who serves it. */
export function Queues({ stats }: { stats: Schemas['Stats'] }) {
  const say = useWords(overviewWords)
  const numbers = useNumbers()
  return (
    <Section title={say('queues')}>
      <DataTable
        rows={stats.queues}
        idOf={({ name }) => name}
        least={380}
        columns={[
          { key: 'name', title: say('queue'), cut: true, show: ({ name }) => <SafeText text={name} /> },
          {
            key: 'waiting',
            title: say('inQueue'),
            width: 90,
            align: 'right',
            show: ({ waiting }) => numbers.short(waiting),
          },
          {
            key: 'workers',
            title: say('workers'),
            width: 140,
            align: 'right',
            show: ({ workers }) =>
              workers ? <Link to="/workers">{workers}</Link> : <span className="tile-bad">{say('unserved')}</span>,
          },
          {
            key: 'capacity',
            title: say('capacity'),
            width: 90,
            align: 'right',
            show: ({ capacity }) => numbers.short(capacity),
          },
        ]}
      />
    </Section>
  )
}
