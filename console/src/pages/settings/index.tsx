import { useQuery } from '@tanstack/react-query'
import { answer, api } from '@/api/client'
import { useSession } from '@/app/session'
import { Asked, PageFrame, Section } from '@/parts/PageFrame'
import { RightNote } from '@/parts/RightButton'
import { useWords } from '@/words/words'
import { Backups } from './Backups'
import { Browser } from './Browser'
import { Runs } from './Runs'
import { SessionFacts } from './SessionFacts'
import { Values } from './Values'
import { settingWords } from './words'
import './page.css'

export default function SettingsPage() {
  const say = useWords(settingWords)
  const { can } = useSession()
  return (
    <PageFrame title={say('title')} lead={say('lead')}>
      <Browser />
      <SessionFacts />
      {can('admin') ? (
        <System />
      ) : (
        <Section title={say('runs')}>
          <RightNote right="admin" />
        </Section>
      )}
    </PageFrame>
  )
}

function System() {
  const system = useQuery({
    queryKey: ['system'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/system', { signal })),
    refetchInterval: 30_000,
  })
  return (
    <Asked query={system}>
      {(found) => (
        <>
          <Runs system={found} />
          <Backups system={found} />
          <Values values={found.settings} />
        </>
      )}
    </Asked>
  )
}
