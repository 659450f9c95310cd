import { Flex } from 'antd'
import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import { CopyButton } from '@/parts/CopyButton'
import { Differences } from '@/parts/Differences'
import { JsonView } from '@/parts/JsonView'
import { ExactTime } from '@/parts/Moment'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { auditWords } from './words'
import './page.css'

/** One line of the trail, with what was before and after. */
export function Entry({ entry, onFollow }: { entry: Schemas['AuditEntry']; onFollow: () => void }) {
  const say = useWords(auditWords)
  const { actor, target, detail } = entry
  const { before, after, reason } = detail
  return (
    <Flex vertical gap={16} className="audit-entry">
      <p>
        <strong>
          <SafeText text={target} />
        </strong>
        <br />
        <SafeText text={actor} />, <ExactTime at={entry.at} /> <CopyButton text={entry.id} label={say('copyLink')} />
      </p>
      {typeof reason === 'string' && reason && (
        <p>
          <span className="quiet">{say('reason')} </span>
          <SafeText text={reason} />
        </p>
      )}
      {(before !== undefined || after !== undefined) && (
        <section>
          <h2>{say('changes')}</h2>
          <Differences before={before} after={after} />
        </section>
      )}
      <section>
        <h2>{say('whole')}</h2>
        <JsonView value={detail} />
      </section>
      <Flex gap={16} wrap>
        <Link to={`/audit?${new URLSearchParams({ target }).toString()}`} onClick={onFollow}>
          {say('onlyThis')}
        </Link>
        <Link to={`/audit?${new URLSearchParams({ actor }).toString()}`} onClick={onFollow}>
          {say('byThem')}
        </Link>
      </Flex>
    </Flex>
  )
}
