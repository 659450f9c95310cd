import { Alert } from 'antd'
import type { Schemas } from '@/api/client'
import { Moment } from '@/parts/Moment'
import { useNumbers } from '@/parts/numbers'
import { Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { Fact } from './Fact'
import { settingWords } from './words'

type System = Schemas['SystemDocument']

/** The last backup, and the last that is known to be good. */
export function Backups({ system: { last_backup: last, last_proved_backup: proved } }: { system: System }) {
  const say = useWords(settingWords)
  return (
    <Section title={say('backups')}>
      {last === null && <Alert type="warning" showIcon title={say('noBackup')} />}
      {last !== null && proved === null && <Alert type="warning" showIcon title={say('noProof')} />}
      <dl className="setting-facts setting-backups">
        {last && (
          <Fact name={say('lastBackup')}>
            <Backup backup={last} at={last.made_at} error={last.error} />
          </Fact>
        )}
        {proved && (
          <Fact name={say('lastProof')}>
            <Backup backup={proved} at={proved.proved_at} error={proved.proof_error} />
          </Fact>
        )}
      </dl>
    </Section>
  )
}

interface Props {
  backup: Schemas['BackupDocument']
  at: string | null
  error: string | null
}

function Backup({ backup, at, error }: Props) {
  const say = useWords(settingWords)
  const { bytes } = useNumbers()
  const facts = [backup.size !== null && bytes(backup.size), say(backup.encrypted ? 'encrypted' : 'plain')]
  return (
    <>
      <p>
        <Moment at={at} /> <span className="quiet">{facts.filter(Boolean).join(' · ')}</span>
      </p>
      <p className="quiet small">
        <SafeText text={`${backup.host}: ${backup.file}`} />
        {backup.proved_on && (
          <>
            {' · '}
            <SafeText text={say('provedOn', { what: backup.proved_on })} />
          </>
        )}
      </p>
      {error && (
        <p className="setting-bad">
          {say('failedBackup')}: <SafeText text={error} />
        </p>
      )}
    </>
  )
}
