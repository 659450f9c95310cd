import { useQuery } from '@tanstack/react-query'
import { Flex, Tag } from 'antd'
import { useState } from 'react'
import { answer, api, type Schemas } from '@/api/client'
import { Differences } from '@/parts/Differences'
import { Moment } from '@/parts/Moment'
import { Asked, TooMany } from '@/parts/PageFrame'
import { RightButton } from '@/parts/RightButton'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { said, type Trigger } from './draft'
import type { Kept } from './rules'
import { SaveRule } from './SaveRule'
import { ruleWords } from './words'

type Version = Schemas['VersionDocument']

const MOST = 100
/** Versions that the service tells of. */

/** Every version of a rule, newest first: who, when, why, and what it changed; an earlier one can be put back. */
export function Versions({ kept }: { kept: Kept }) {
  const [back, setBack] = useState<Trigger | null>(null)
  const versions = useQuery({
    queryKey: ['triggers', kept.name, 'versions', kept.version],
    queryFn: ({ signal }) =>
      answer(api.GET('/api/v1/triggers/{name}/versions', { params: { path: { name: kept.name } }, signal })),
  })
  return (
    <Asked query={versions}>
      {({ items }) => (
        <Flex vertical gap={12}>
          {items.map((version, index) => (
            <VersionBox
              key={version.version}
              version={version}
              before={items[index + 1] ?? null}
              current={version.version === kept.version}
              onBack={() => setBack(version.trigger)}
            />
          ))}
          {items.length >= MOST && <TooMany />}
          {back && <SaveRule kept={kept} rule={back} onSaved={() => setBack(null)} onClose={() => setBack(null)} />}
        </Flex>
      )}
    </Asked>
  )
}

interface BoxProps {
  version: Version
  before: Version | null
  current: boolean
  onBack: () => void
}

function VersionBox({ version, before, current, onBack }: BoxProps) {
  const say = useWords(ruleWords)
  return (
    <section className="section">
      <Flex justify="space-between" gap={12} wrap className="section-head">
        <Flex gap={8} align="baseline" wrap>
          <h2>
            {say('version')} {version.version}
          </h2>
          {current && <Tag color="blue">{say('currentVersion')}</Tag>}
          <span className="quiet">
            <Moment at={version.at} /> <SafeText text={say('by', { name: version.by })} />
          </span>
        </Flex>
        {!current && version.trigger && (
          <RightButton right="definitions:write" size="small" onClick={onBack}>
            {say('putBack')}
          </RightButton>
        )}
      </Flex>
      {version.reason && (
        <p>
          <SafeText text={version.reason} />
        </p>
      )}
      {version.trigger === null ? (
        <p className="quiet">{say('wasDeleted')}</p>
      ) : (
        <>
          {before === null && <p className="quiet">{say('first')}</p>}
          <Differences before={before?.trigger} after={before?.trigger ? version.trigger : said(version.trigger)} />
        </>
      )}
    </section>
  )
}
