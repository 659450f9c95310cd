import { CheckOutlined, MinusOutlined } from '@ant-design/icons'
import { useSession } from '@/app/session'
import { CopyButton } from '@/parts/CopyButton'
import { Moment } from '@/parts/Moment'
import { Section } from '@/parts/PageFrame'
import { ALL, RIGHTS } from '@/parts/rights/rights'
import { rightWords } from '@/parts/rights/words'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { Fact } from './Fact'
import { settingWords } from './words'

/** Who is signed in, and what they may do. */
export function SessionFacts() {
  const say = useWords(settingWords)
  const { session } = useSession()
  if (session === null) return null
  return (
    <Section title={say('session')}>
      <dl className="setting-facts">
        <Fact name={say('signedInAs')}>
          <SafeText text={session.name} /> <CopyButton text={session.key_id} />
        </Fact>
        <Fact name={say('ends')}>
          <Moment at={session.expires_at} /> <span className="quiet small">{say('endsAdvice')}</span>
        </Fact>
        <Fact name={say('onlyTypes')}>{session.task_types?.join(', ') ?? say('allTypes')}</Fact>
        <Fact name={say('ownOnly')}>{say(session.own_only ? 'yes' : 'no')}</Fact>
      </dl>
      <h3 className="setting-head">{say('rights')}</h3>
      <Rights />
    </Section>
  )
}

function Rights() {
  const say = useWords(settingWords)
  const sayRight = useWords(rightWords)
  const { can } = useSession()
  return (
    <ul className="setting-rights">
      {ALL.map((right) => (
        <li key={right} className={can(right) ? 'setting-have' : 'quiet'}>
          {can(right) ? <CheckOutlined aria-label={say('have')} /> : <MinusOutlined aria-label={say('lack')} />}
          <code>{right}</code> <span className="quiet">{sayRight(RIGHTS[right])}</span>
        </li>
      ))}
    </ul>
  )
}
