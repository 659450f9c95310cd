import { useQuery } from '@tanstack/react-query'
import { Select } from 'antd'
import { useState } from 'react'
import { answer, api, type Schemas } from '@/api/client'
import { useNow } from '@/parts/clock'
import { FilterBar, TextFilter } from '@/parts/filters'
import { MakingFrame } from '@/parts/MakingFrame'
import { Asked, TooMany } from '@/parts/PageFrame'
import { useUrlState, type UrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { KeyTable } from './KeyTable'
import { MakeKey } from './MakeKey'
import { Revoke } from './Revoke'
import { STATES, stateOf } from './rights'
import { keyWords } from './words'
import './page.css'

type Key = Schemas['KeyDocument']

const MOST = 300
/** Rows that are drawn. */

export default function KeysPage() {
  const say = useWords(keyWords)
  const url = useUrlState()
  const now = useNow()
  const [revoking, setRevoking] = useState<Key | null>(null)
  const keys = useQuery({
    queryKey: ['api-keys'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/api-keys', { signal })),
    refetchInterval: 30_000,
  })
  const found = matching(keys.data?.items ?? [], url, now)
  return (
    <MakingFrame
      title={say('title')}
      lead={say('lead')}
      right="admin"
      make={say('make')}
      form={(close) => <MakeKey close={close} />}
    >
      <FilterBar label={say('find')} names={['q', 'state']}>
        <TextFilter name="q" label={say('find')} />
        <Select
          aria-label={say('state')}
          placeholder={say('anyState')}
          allowClear
          value={url.one('state')}
          options={STATES.map((state) => ({ value: state, label: say(state) }))}
          onChange={(state: string | undefined) => url.set({ state })}
        />
      </FilterBar>
      <Asked query={keys} empty={() => found.length === 0} nothing={say('nothing')}>
        {() => (
          <>
            <KeyTable keys={found.slice(0, MOST)} now={now} revoke={setRevoking} />
            {found.length > MOST && <TooMany>{say('tooMany', { n: MOST })}</TooMany>}
          </>
        )}
      </Asked>
      {revoking && <Revoke apiKey={revoking} close={() => setRevoking(null)} />}
    </MakingFrame>
  )
}

/** Those that the URL asks for, the newest first. */
function matching(keys: readonly Key[], url: UrlState, now: number): Key[] {
  const text = url.one('q')?.toLowerCase() ?? ''
  const state = url.one('state')
  return keys
    .filter(({ name, hint, id }) => `${name} ${hint} ${id}`.toLowerCase().includes(text))
    .filter((key) => state === undefined || stateOf(key, now) === state)
    .reverse()
}
