import { useQuery } from '@tanstack/react-query'
import { Button, Checkbox, Flex, Segmented, Select } from 'antd'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import { FilterBar, MomentField, TextFilter, TimeFilter } from '@/parts/filters'
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
        <Types />
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

function Types() {
  const say = useWords(logWords)
  const url = useUrlState()
  const stats = useQuery({
    queryKey: ['stats'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/stats', { signal })),
    retry: false,
  })
  const options = Object.keys(stats.data?.by_type ?? {})
    .sort()
    .map((value) => ({ value }))
  return (
    <Select
      mode="multiple"
      aria-label={say('type')}
      placeholder={say('type')}
      value={url.all('type')}
      options={options}
      maxTagCount="responsive"
      allowClear
      onChange={(type) => url.set({ type })}
    />
  )
}
