import { useMutation, useQuery } from '@tanstack/react-query'
import { Alert, Form, Modal } from 'antd'
import { useDeferredValue } from 'react'
import { answer, api } from '@/api/client'
import { useDone } from '@/parts/done'
import { ProblemView } from '@/parts/ProblemView'
import { SafeText } from '@/parts/SafeText'
import { ApiError, reasonOf } from '@/api/problem'
import { useWords } from '@/words/words'
import { draftOf, EMPTY, scheduleOf, type Draft } from './draft'
import { NextRuns } from './NextRuns'
import { useScheduleChanged } from './ScheduleDrawer'
import { ScheduleFields } from './ScheduleFields'
import { definitionOf, putSchedule, type Definition, type Schedule } from './schedules'
import { When } from './When'
import { scheduleWords } from './words'

/** A form for a schedule, which says while one types when it would run. */
export function ScheduleForm({ schedule, close }: { schedule: Schedule | null; close: () => void }) {
  const say = useWords(scheduleWords)
  const done = useDone()
  const changed = useScheduleChanged()
  const [form] = Form.useForm<Draft>()
  const initial = schedule ? draftOf(schedule) : EMPTY
  const typed = Form.useWatch((values: Draft) => values, form)
  const draft = { ...initial, ...typed }
  const save = useMutation({
    mutationFn: (values: Draft) => putSchedule(scheduleOf({ ...initial, ...values })),
    onSuccess: async (saved) => {
      const back = async () => {
        if (schedule) await putSchedule(definitionOf(schedule))
        else await answer(api.DELETE('/api/v1/schedules/{name}', { params: { path: { name: saved.name } } }))
        await changed()
      }
      close()
      await changed()
      done({ title: say('saved', { name: saved.name }), undo: back })
    },
  })
  return (
    <Modal
      open
      width={680}
      title={schedule?.name ?? say('newSchedule')}
      okText={say('save')}
      confirmLoading={save.isPending}
      onOk={() => form.submit()}
      onCancel={close}
      mask={{ closable: false }}
    >
      <Form form={form} layout="vertical" initialValues={initial} onFinish={(values) => save.mutate(values)}>
        <ScheduleFields isNew={schedule === null} kind={draft.kind} error={save.error}>
          <Would draft={draft} />
        </ScheduleFields>
        {save.isError && <ProblemView error={save.error} />}
      </Form>
    </Modal>
  )
}

/** When the draft would run, or why it cannot. */
function Would({ draft }: { draft: Draft }) {
  const say = useWords(scheduleWords)
  const timing = useDeferredValue(JSON.stringify(timingOf(draft)))
  const asked = useQuery({
    queryKey: ['schedule-preview', timing],
    queryFn: ({ signal }) =>
      answer(api.POST('/api/v1/schedules/preview', { body: JSON.parse(timing) as Definition, signal })),
    retry: false,
    placeholderData: (before) => before,
  })
  const refused = asked.error instanceof ApiError && asked.error.status === 422 ? asked.error.problem : null
  if (refused) {
    const reasons = refused.errors?.map((one) => `${one.field}: ${reasonOf(one)}`) ?? [refused.detail]
    return <Alert type="warning" showIcon title={say('refused')} description={<SafeText text={reasons.join('\n')} />} />
  }
  if (asked.error) return <ProblemView error={asked.error} />
  if (!asked.data) return null
  return (
    <section className="would" aria-live="polite">
      <h3 className="small quiet">{say('wouldRun')}</h3>
      <When schedule={JSON.parse(timing) as Definition} />
      {asked.data.next_runs.length ? (
        <NextRuns runs={asked.data.next_runs} zone={draft.kind === 'cron' ? draft.time_zone : 'UTC'} />
      ) : (
        <p className="quiet">{say('noNext')}</p>
      )}
    </section>
  )
}

/** What decides about the times, and nothing else, so that other fields ask nothing. */
function timingOf(draft: Draft): Definition {
  const { time_zone, cron, every, start_at, at } = scheduleOf({ ...draft, data: '' })
  return { name: 'draft', time_zone, cron, every, start_at, at }
}
