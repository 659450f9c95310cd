import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Checkbox, Flex, Input, Select } from 'antd'
import { answer, api } from '@/api/client'
import { useMoved } from '@/parts/live'
import { MakingFrame } from '@/parts/MakingFrame'
import { Asked } from '@/parts/PageFrame'
import { useUrlState, type UrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { DefineForm } from './DefineForm'
import { filtered, KINDS, STATES } from './filter'
import { LimitDrawer } from './LimitDrawer'
import { LimitTable } from './LimitTable'
import { limitWords } from './words'
import './page.css'

const EVERY = 5000
/** Milliseconds between looks where no task moves: somebody else may change a limit. */

export default function LimitsPage() {
  const say = useWords(limitWords)
  const url = useUrlState()
  const queries = useQueryClient()
  const limits = useQuery({
    queryKey: ['limits'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/limits', { signal })),
    refetchInterval: EVERY,
  })
  useMoved(() => void queries.invalidateQueries({ queryKey: ['limits'] }))
  const open = url.one('scope')
  return (
    <MakingFrame
      title={say('title')}
      lead={say('lead')}
      right="definitions:write"
      make={say('define')}
      form={(close) => <DefineForm close={close} />}
    >
      <Filters url={url} />
      <Asked query={limits} empty={({ items }) => filtered(items, url).length === 0} nothing={say('nothing')}>
        {({ items }) => (
          <>
            <LimitTable limits={filtered(items, url)} open={({ label }) => url.set({ scope: label })} />
            {items.some(({ scope }) => scope.startsWith('lane:')) && (
              <p className="quiet small">{say('lanesAreLimited')}</p>
            )}
          </>
        )}
      </Asked>
      {open !== undefined && <LimitDrawer scope={open} close={() => url.set({ scope: null })} />}
    </MakingFrame>
  )
}

function Filters({ url }: { url: UrlState }) {
  const say = useWords(limitWords)
  return (
    <Flex gap={8} wrap align="center">
      <Input.Search
        className="limit-search"
        placeholder={say('find')}
        aria-label={say('find')}
        allowClear
        value={url.one('q') ?? ''}
        onChange={(event) => url.set({ q: event.target.value }, { replace: true })}
      />
      <Select
        className="limit-kind"
        aria-label={say('kind')}
        value={url.one('kind') ?? ''}
        options={[{ value: '', label: say('anyKind') }, ...KINDS.map((kind) => ({ value: kind, label: say(kind) }))]}
        onChange={(kind) => url.set({ kind })}
      />
      <Checkbox.Group
        aria-label={say('only')}
        options={STATES.map((state) => ({ value: state, label: say(state) }))}
        value={url.all('only')}
        onChange={(only) => url.set({ only })}
      />
    </Flex>
  )
}
