import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Drawer, Flex } from 'antd'
import { useState } from 'react'
import { Link } from 'react-router'
import { answer, api } from '@/api/client'
import { useDone } from '@/parts/done'
import { JsonView } from '@/parts/JsonView'
import { ExactTime } from '@/parts/Moment'
import { Asked } from '@/parts/PageFrame'
import { PauseDialog } from '@/parts/PauseDialog'
import { ProblemView } from '@/parts/ProblemView'
import { RightButton, SureButton } from '@/parts/RightButton'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { NextRuns } from './NextRuns'
import { Runs } from './Runs'
import { ScheduleForm } from './ScheduleForm'
import { ScheduleState } from './ScheduleState'
import { definitionOf, pause, putSchedule, resume, type Schedule } from './schedules'
import { When } from './When'
import { scheduleWords } from './words'

/** One schedule: when it runs, what it did, its definition; pause, resume, change, delete. */
export function ScheduleDrawer({ name, close }: { name: string; close: () => void }) {
  const schedule = useQuery({
    queryKey: ['schedules', name],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/schedules/{name}', { params: { path: { name } }, signal })),
    refetchInterval: 5000,
  })
  return (
    <Drawer open size={600} onClose={close} title={<SafeText text={name} />}>
      <Asked query={schedule}>{(found) => <Parts schedule={found} close={close} />}</Asked>
    </Drawer>
  )
}

function Parts({ schedule, close }: { schedule: Schedule; close: () => void }) {
  const say = useWords(scheduleWords)
  const [doing, setDoing] = useState<'edit' | 'pause' | null>(null)
  const { proceed, remove } = useMoves(schedule, close)
  const event = schedule.event?.type ?? ''
  const failed = proceed.error ?? remove.error
  return (
    <Flex vertical gap={16}>
      <Flex gap={8} wrap>
        <RightButton right="definitions:write" type="primary" onClick={() => setDoing('edit')}>
          {say('edit')}
        </RightButton>
        {schedule.pause ? (
          <RightButton right="definitions:write" loading={proceed.isPending} onClick={() => proceed.mutate()}>
            {say('resume')}
          </RightButton>
        ) : (
          <RightButton right="definitions:write" onClick={() => setDoing('pause')}>
            {say('pause')}
          </RightButton>
        )}
        <SureButton
          right="definitions:write"
          title={say('removeTitle', { name: schedule.name })}
          description={say('removeDetail')}
          onSure={() => remove.mutate()}
          danger
          loading={remove.isPending}
        >
          {say('remove')}
        </SureButton>
      </Flex>
      {failed && <ProblemView error={failed} />}
      <ScheduleState schedule={schedule} />
      <When schedule={schedule} />
      <section>
        <h2 className="small quiet">{say('nextRuns')}</h2>
        {schedule.next_runs.length ? (
          <NextRuns runs={schedule.next_runs} zone={schedule.time_zone} />
        ) : (
          <p className="quiet">{say('noNext')}</p>
        )}
      </section>
      <Runs name={schedule.name} />
      <Link to={`/rules`}>{say('seeRules')}</Link>
      <section>
        <h2 className="small quiet">{say('definition')}</h2>
        <JsonView value={{ ...definitionOf(schedule), event: schedule.event ?? event }} />
      </section>
      {doing === 'edit' && <ScheduleForm schedule={schedule} close={() => setDoing(null)} />}
      {doing === 'pause' && <Pause schedule={schedule} close={() => setDoing(null)} />}
    </Flex>
  )
}

export function useScheduleChanged(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: ['schedules'] })
}

function useMoves(schedule: Schedule, close: () => void) {
  const say = useWords(scheduleWords)
  const queries = useQueryClient()
  const done = useDone()
  const changed = useScheduleChanged()
  const { name } = schedule
  const proceed = useMutation({
    mutationFn: () => resume(name),
    onSuccess: async () => {
      await changed()
      done({
        title: say('resumedDone', { name }),
        undo: () => pause(name, schedule.pause?.reason ?? '').then(changed),
      })
    },
  })
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE('/api/v1/schedules/{name}', { params: { path: { name } } })),
    onSuccess: async () => {
      close()
      done({ title: say('removed', { name }), undo: () => putSchedule(definitionOf(schedule)).then(changed) })
      await queries.invalidateQueries({ queryKey: ['schedules'], exact: true })
    },
  })
  return { proceed, remove }
}

function Pause({ schedule, close }: { schedule: Schedule; close: () => void }) {
  const say = useWords(scheduleWords)
  const changed = useScheduleChanged()
  const [next] = schedule.next_runs
  const { name } = schedule
  return (
    <PauseDialog {...{ name, pause, resume, changed, close }} hint={say('reasonHint')}>
      <p>{say('pauseDetail')}</p>
      {next && (
        <p>
          {say('pauseNext')} <ExactTime at={next} />
        </p>
      )}
    </PauseDialog>
  )
}
