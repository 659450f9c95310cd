import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import { CopyButton } from '@/parts/CopyButton'
import { Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { Fact } from './Fact'
import { settingWords } from './words'

/** Versions, and what it stands on. */
export function Runs({ system }: { system: Schemas['SystemDocument'] }) {
  const say = useWords(settingWords)
  const leader = system.leader ?? '–'
  return (
    <Section title={say('runs')} extra={<CopyButton text={() => JSON.stringify(system, null, 2)} />}>
      <dl className="setting-facts">
        <Fact name={say('version')}>{system.version}</Fact>
        <Fact name={say('protocol')}>{system.protocol}</Fact>
        <Fact name={say('schema')}>{system.schema_version ?? '–'}</Fact>
        <Fact name={say('database')}>
          <SafeText text={system.database} />
        </Fact>
        <Fact name={say('broker')}>{system.broker}</Fact>
        <Fact name={say('leader')}>
          <SafeText text={system.leads ? say('leadsHere', { leader }) : leader} />
        </Fact>
        <Fact name={say('workers')}>
          <Link to="/workers">{say('seeWorkers')}</Link>
        </Fact>
      </dl>
    </Section>
  )
}
