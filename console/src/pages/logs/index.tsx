import { Button, Checkbox, Flex, Segmented } from 'antd'
import { useState } from 'react'
import { FilterBar, MomentField, TextFilter, TimeFilter, TypeFilter } from '@/parts/filters'
import { LEVELS, type Level } from '@/parts/LogList'
import { PageFrame } from '@/parts/PageFrame'
import { rangeOf } from '@/parts/range'
import { useUrlState } from '@/parts/urlState'
import { partWords } from '@/parts/words'
import { useWords } from '@/words/words'
import { DownloadButton } from './DownloadButton'
import { LogView } from './LogView'
import { logWords } from './words'
import './logs.css'

const FILTERS = ['text', 'type', 'level', 'last', 'after', 'before', 'at']

export default function LogsPage() {
  const say = useWords(logWords)
  const sayPart = useWords(partWords)
  const url = useUrlState()
  const level = LEVELS.find((one) => one === url.one('level')) ?? 'info'
  const { before } = rangeOf(url)
  const at = url.one('at')
  const [wanted, setWanted] = useState(true)
  const ends = before !== undefined // a time that is over does not grow
  const follow = wanted && !ends && at === undefined
  return (
    <PageFrame title={say('title')} lead={say('lead')} actions={<DownloadButton level={level} />}>
      <FilterBar label={say('filters')} names={FILTERS}>
        <Segmented<Level>
          aria-label={sayPart('level')}
          options={LEVELS.map((value) => ({ value, label: sayPart(value) }))}
          value={level}
          onChange={(value) => url.set({ level: value === 'info' ? null : value })}
        />
        <TextFilter name="text" label={say('text')} />
        <TypeFilter />
        <TimeFilter />
        <MomentField label={say('jump')} value={at} onChange={(moment) => url.set({ at: moment })} />
        {at === undefined ? (
          <Checkbox checked={follow} disabled={ends} onChange={({ target }) => setWanted(target.checked)}>
            {say('follow')}
          </Checkbox>
        ) : (
          <Button type="link" onClick={() => url.set({ at: null })}>
            {say('jumpClear')}
          </Button>
        )}
      </FilterBar>
      <Flex vertical className="section">
        <LogView
          key={url.text}
          level={level}
          follow={follow}
          filtered={FILTERS.some((name) => url.one(name) !== undefined)}
          onLeave={() => setWanted(false)}
        />
      </Flex>
    </PageFrame>
  )
}
