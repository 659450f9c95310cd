import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import { DataTable } from '@/parts/DataTable'
import { Moment } from '@/parts/Moment'
import { Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { StatusTag } from '@/parts/StatusTag'
import { useWords } from '@/words/words'
import { taskWords } from './words'

/** Who was told of the task, and how that went. */
export function Deliveries({ deliveries }: { deliveries: Schemas['DeliveryDocument'][] }) {
  const say = useWords(taskWords)
  return (
    <Section title={say('deliveries')}>
      <DataTable
        rows={deliveries}
        idOf={({ id }) => id}
        least={760}
        columns={[
          {
            key: 'receiver',
            title: say('receiver'),
            show: ({ id, subscription, host }) => (
              <Link to={`/tasks/${id}`}>
                <SafeText text={subscription ?? host ?? id} />
              </Link>
            ),
          },
          { key: 'event', title: say('told'), show: ({ event }) => <code>{event}</code> },
          { key: 'status', title: say('outcome'), width: 130, show: ({ status }) => <StatusTag status={status} /> },
          { key: 'attempts', title: say('attempts'), width: 84, align: 'right', show: (one) => one.attempt_count },
          {
            key: 'next',
            title: say('nextTry'),
            width: 120,
            show: ({ next_attempt_at: at }) => at && <Moment at={at} />,
          },
          { key: 'error', title: say('failure'), show: ({ error_message: text }) => text && <SafeText text={text} /> },
        ]}
      />
    </Section>
  )
}
