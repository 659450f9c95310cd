import { useQuery } from '@tanstack/react-query'
import { Flex } from 'antd'
import { Link } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { Meter } from '@/parts/Meter'
import { useNumbers } from '@/parts/numbers'
import { Section } from '@/parts/PageFrame'
import { useStats } from '@/parts/typeStats'
import { useWords } from '@/words/words'
import { Fact } from './Facts'
import { typeWords } from './words'

/** How its tasks stand now. */
export function Now({ type: { name } }: { type: Schemas['TaskType'] }) {
  const say = useWords(typeWords)
  const { whole } = useNumbers()
  const counts = useStats().data?.by_type[name] ?? {}
  const scope = `type:${name}`
  const limit = useQuery({
    queryKey: ['limits', scope],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/limits/{scope}', { params: { path: { scope } }, signal })),
    refetchInterval: 5000,
  })
  const listed = (text: string, status: string) => <Link to={`/tasks?type=${name}&status=${status}`}>{text}</Link>
  return (
    <Section
      title={say('now')}
      extra={
        <Flex gap={16} wrap>
          <Link to={`/tasks?type=${name}`}>{say('seeTasks')}</Link>
          <Link to={`/limits?scope=${scope}`}>{say('seeLimit')}</Link>
        </Flex>
      }
    >
      <dl className="type-sums">
        <Fact name={say('inFlight')}>
          {limit.data ? (
            <Meter used={limit.data.in_flight} cap={limit.data.max_running} label={say('inFlight')} />
          ) : (
            '–'
          )}
        </Fact>
        <Fact name={say('waiting')}>{listed(whole(limit.data?.waiting ?? counts.pending ?? 0), 'pending')}</Fact>
        <Fact name={say('completed')}>{listed(whole(counts.completed ?? 0), 'completed')}</Fact>
        <Fact name={say('failed')}>{listed(whole(counts.failed ?? 0), 'failed')}</Fact>
      </dl>
    </Section>
  )
}
