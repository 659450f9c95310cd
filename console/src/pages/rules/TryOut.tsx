import { ExperimentOutlined } from '@ant-design/icons'
import { useMutation } from '@tanstack/react-query'
import { Flex, Select } from 'antd'
import { useState } from 'react'
import { Section } from '@/parts/PageFrame'
import { ProblemView } from '@/parts/ProblemView'
import { RightButton } from '@/parts/RightButton'
import { useNumbers } from '@/parts/numbers'
import { useWords } from '@/words/words'
import type { Trigger } from './draft'
import { preview, type SinceKey } from './preview'
import { PreviewView } from './PreviewView'
import { ruleWords } from './words'

interface Props {
  /** The draft as it is typed now; null if it cannot be read. */
  read: () => Promise<Trigger | null>
  onError: (error: unknown) => void
}

/** Tries the draft on stored events and shows what it would have made, against the rule that holds. */
export function TryOut({ read, onError }: Props) {
  const say = useWords(ruleWords)
  const numbers = useNumbers()
  const [since, setSince] = useState<SinceKey>('24h')
  const [most, setMost] = useState(1000)
  const trial = useMutation({
    mutationFn: async () => {
      const rule = await read()
      return rule && preview(rule, since, most)
    },
    onError,
    onSuccess: () => onError(null),
  })
  const spans = [
    { value: '1h' as const, label: say('since1h') },
    { value: '24h' as const, label: say('since24h') },
    { value: '7d' as const, label: say('since7d') },
    { value: '30d' as const, label: say('since30d') },
  ]
  const sizes = [200, 1000, 10_000].map((value) => ({ value, label: say('atMost', { n: numbers.whole(value) }) }))
  return (
    <Section title={say('try')}>
      <Flex vertical gap={14}>
        <p className="quiet">{say('tryLead')}</p>
        <Flex gap={8} wrap>
          <Select
            aria-label={say('since24h')}
            value={since}
            options={spans}
            onChange={setSince}
            className="try-since"
          />
          <Select aria-label={say('atMost', { n: '' })} value={most} options={sizes} onChange={setMost} />
          <RightButton
            right="events:read"
            icon={<ExperimentOutlined />}
            loading={trial.isPending}
            onClick={() => trial.mutate()}
          >
            {say('tryNow')}
          </RightButton>
        </Flex>
        {trial.isError && <ProblemView error={trial.error} />}
        {trial.data && <PreviewView found={trial.data} />}
        {trial.data === null && <p className="quiet">{say('needsType')}</p>}
      </Flex>
    </Section>
  )
}
