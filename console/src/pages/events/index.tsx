import { SendOutlined } from '@ant-design/icons'
import { keepPreviousData, useInfiniteQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import { FilterBar, TextFilter, TimeFilter } from '@/parts/filters'
import { LiveButton, useLive } from '@/parts/live'
import { LoadMore } from '@/parts/LoadMore'
import { Asked, PageFrame } from '@/parts/PageFrame'
import { boundsOf, rangeOf } from '@/parts/range'
import { RightButton } from '@/parts/RightButton'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { EventTable } from './EventTable'
import { SendEvent } from './SendEvent'
import { eventWords } from './words'
import './events.css'

const PAGE = 50
const FILTERS = ['type', 'source', 'subject', 'by', 'last', 'after', 'before']
const LOOK = 5000
/** Milliseconds between looks for events that made no task: only tasks are told live. */

export default function EventsPage() {
  const say = useWords(eventWords)
  const url = useUrlState()
  const [sending, setSending] = useState(false)
  const queries = useQueryClient()
  const queryKey = ['events', url.text]
  const live = useLive(() => {
    // who reads on does not want the list to move
    if (queries.getQueryData<InfiniteData<unknown>>(queryKey)?.pages.length === 1)
      void queries.invalidateQueries({ queryKey })
  })
  const events = useInfiniteQuery({
    queryKey,
    queryFn: ({ signal, pageParam }) => {
      const { after, before } = boundsOf(rangeOf(url))
      const query = {
        type: url.one('type'),
        source: url.one('source'),
        subject: url.one('subject'),
        received_by: url.one('by'),
        received_after: after,
        received_before: before,
        limit: PAGE,
        cursor: pageParam,
      }
      return answer(api.GET('/api/v1/events', { params: { query }, signal }))
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: (query) => !live.paused && query.state.data?.pages.length === 1 && LOOK,
  })
  const filtered = FILTERS.some((name) => url.one(name) !== undefined)
  return (
    <PageFrame
      title={say('title')}
      lead={say('lead')}
      actions={
        <>
          <LiveButton live={live} />
          <RightButton right="events:write" type="primary" icon={<SendOutlined />} onClick={() => setSending(true)}>
            {say('send')}
          </RightButton>
        </>
      }
    >
      <FilterBar label={say('filters')} names={FILTERS}>
        <TextFilter name="type" label={say('type')} hint={say('typeHint')} />
        <TextFilter name="source" label={say('source')} />
        <TextFilter name="subject" label={say('subject')} />
        <TextFilter name="by" label={say('receivedBy')} hint={say('receivedByHint')} />
        <TimeFilter />
      </FilterBar>
      <Asked
        query={events}
        empty={({ pages }) => pages[0]?.items.length === 0}
        nothing={say(filtered ? 'nothingMatches' : 'nothing')}
      >
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items)
          return (
            <>
              <EventTable events={items} />
              <LoadMore query={events} shown={items.length} />
            </>
          )
        }}
      </Asked>
      {sending && <SendEvent onClose={() => setSending(false)} />}
    </PageFrame>
  )
}
