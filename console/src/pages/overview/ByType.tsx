import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import { DataTable } from '@/parts/DataTable'
import { Duration } from '@/parts/Duration'
import { useNumbers } from '@/parts/numbers'
import { Nothing, Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { overviewWords } from './words'

const MOST = 20

/** The task types with the most ended tasks. */
export function ByType({ rows }: { rows: Schemas['SeriesOfType'][] }) {
  const say = useWords(overviewWords)
  const numbers = useNumbers()
  return (
    <Section title={say('byType')}>
      {rows.length === 0 ? (
        <Nothing>{say('byTypeNone')}</Nothing>
      ) : (
        <DataTable
          rows={rows.slice(0, MOST)}
          idOf={({ type }) => type}
          least={520}
          columns={[
            {
              key: 'type',
              title: say('type'),
              cut: true,
              show: ({ type }) => (
                <Link to={`/tasks?${new URLSearchParams({ type })}`}>
                  <SafeText text={type} />
                </Link>
              ),
            },
            {
              key: 'completed',
              title: say('completed'),
              width: 84,
              align: 'right',
              show: (row) => numbers.short(row.completed),
            },
            {
              key: 'failed',
              title: say('failed'),
              width: 64,
              align: 'right',
              show: ({ failed }) => <span className={failed ? 'tile-bad' : 'quiet'}>{numbers.short(failed)}</span>,
            },
            {
              key: 'p50',
              title: say('runP50'),
              width: 84,
              align: 'right',
              show: (row) => <Duration seconds={row.run_p50} />,
            },
            {
              key: 'p95',
              title: say('runP95'),
              width: 84,
              align: 'right',
              show: (row) => <Duration seconds={row.run_p95} />,
            },
            {
              key: 'tokens',
              title: say('tokens'),
              width: 76,
              align: 'right',
              show: ({ tokens }) => numbers.short(tokens),
            },
          ]}
        />
      )}
    </Section>
  )
}
