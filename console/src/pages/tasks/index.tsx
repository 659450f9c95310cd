import { PlusOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Flex, Tooltip } from 'antd'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import { useSession } from '@/app/session'
import { LiveButton, useLive } from '@/parts/live'
import { Asked, PageFrame } from '@/parts/PageFrame'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { BulkButton } from './BulkButton'
import { TaskFilters } from './TaskFilters'
import { filterOf, isEmpty, queryOf } from './filter'
import { Pager } from './Pager'
import { StatusChips } from './StatusChips'
import { SubmitTask } from './SubmitTask'
import { TaskTable } from './TaskTable'
import { ViewMenu } from './ViewMenu'
import { taskListWords } from './words'
import './tasks.css'

const PAGE = 50

export default function TasksPage() {
  const say = useWords(taskListWords)
  const { can } = useSession()
  const url = useUrlState()
  const queries = useQueryClient()
  const filter = filterOf(url)
  const cursor = url.one('cursor')
  const [submitting, setSubmitting] = useState(false)
  const tasks = useQuery({
    queryKey: ['tasks', url.text],
    queryFn: ({ signal }) =>
      answer(api.GET('/api/v1/tasks', { params: { query: { ...queryOf(filter), cursor, limit: PAGE } }, signal })),
    placeholderData: keepPreviousData,
  })
  // an older page does not move under the reader
  const live = useLive(() => void (cursor || queries.invalidateQueries({ queryKey: ['tasks', url.text] })))

  const writes = can('tasks:write')
  return (
    <PageFrame
      title={say('title')}
      actions={
        <>
          <ViewMenu />
          <LiveButton live={live} />
          <BulkButton filter={filter} />
          <Tooltip title={writes ? undefined : say('needsWrite')}>
            <Button type="primary" icon={<PlusOutlined />} disabled={!writes} onClick={() => setSubmitting(true)}>
              {say('submit')}
            </Button>
          </Tooltip>
        </>
      }
    >
      <Flex vertical gap={12}>
        <StatusChips filter={filter} />
        <TaskFilters />
      </Flex>
      <Asked
        query={tasks}
        empty={(page) => page.items.length === 0 && !cursor}
        nothing={say(isEmpty(filter) ? 'nothing' : 'nothingMatches')}
      >
        {(page) => (
          <>
            <TaskTable tasks={page.items} />
            <Pager next={page.next_cursor} coming={tasks.isPlaceholderData} />
          </>
        )}
      </Asked>
      {submitting && <SubmitTask onClose={() => setSubmitting(false)} />}
    </PageFrame>
  )
}
