import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Form, Input, Modal } from 'antd'
import { fieldProblem } from '@/api/problem'
import { useDone } from '@/parts/done'
import { ProblemView } from '@/parts/ProblemView'
import { useNumbers } from '@/parts/numbers'
import { useWords } from '@/words/words'
import { End } from './ChangeForm'
import { baselineOf, overridden, reset, setMode, undo, type Limit, type Mode } from './changes'
import { Effects } from './Effects'
import { lastsOf, Lasts, type LastsValues } from './Lasts'
import { CAP_NAMES, useCap } from './LimitDrawer'
import { limitWords } from './words'

export type Move = 'pause' | 'drain' | 'resume' | 'reset'
type Values = Partial<LastsValues> & { reason?: string }

const MODES: Record<Exclude<Move, 'reset'>, Mode> = { pause: 'paused', drain: 'draining', resume: 'open' }
const TITLES = { pause: 'pauseTitle', drain: 'drainTitle', resume: 'resumeTitle', reset: 'resetTitle' } as const
const DID = { pause: 'didPause', drain: 'didDrain', resume: 'didOpen', reset: 'didReset' } as const

/** Stops or opens a scope, or brings it back to what is defined. */
export function ModeForm({ limit, move, close }: { limit: Limit; move: Move; close: () => void }) {
  const say = useWords(limitWords)
  const done = useDone()
  const queries = useQueryClient()
  const [form] = Form.useForm<Values>()
  const values = Form.useWatch((all) => all, form)
  const stops = move === 'pause' || move === 'drain'
  const lasts = stops && values?.choice ? lastsOf({ ...values, choice: values.choice }) : undefined
  const renew = () => queries.invalidateQueries({ queryKey: ['limits'] })
  const save = useMutation({
    mutationFn: ({ reason }: Values) =>
      move === 'reset' ? reset(limit) : setMode(limit, MODES[move], lasts, reason?.trim() ?? ''),
    onSuccess: async (after) => {
      close()
      done({
        title: say(DID[move], { scope: limit.label }),
        undo: () => undo(limit, after, say('undoReason')).then(renew),
      })
      await renew()
    },
  })
  return (
    <Modal
      open
      title={say(TITLES[move], { scope: limit.label })}
      okText={say(move)}
      okButtonProps={{ danger: stops }}
      confirmLoading={save.isPending}
      onOk={() => form.submit()}
      onCancel={close}
      mask={{ closable: false }}
    >
      <Form form={form} layout="vertical" initialValues={{ choice: 'untilReset' }} onFinish={(all) => save.mutate(all)}>
        {stops && <Lasts />}
        {move !== 'reset' && (
          <Form.Item name="reason" label={say('reason')} {...fieldProblem(save.error, 'reason')}>
            <Input maxLength={255} placeholder={say('reasonHint')} />
          </Form.Item>
        )}
        {save.isError && <ProblemView error={save.error} />}
        <Effects>
          <Does limit={limit} move={move} />
          {stops && <End lasts={lasts} />}
        </Effects>
      </Form>
    </Modal>
  )
}

function Does({ limit, move }: { limit: Limit; move: Move }) {
  const say = useWords(limitWords)
  const { whole } = useNumbers()
  const used = whole(limit.in_flight)
  const waits = limit.waiting !== null && <li>{say('pauseWaits', { count: limit.waiting })}</li>
  if (move === 'reset') return <Resets limit={limit} />
  if (move === 'resume') return <li>{say('resumeDoes', { count: limit.waiting ?? 0 })}</li>
  return (
    <>
      <li>{move === 'pause' ? say('pauseDoes', { used }) : say('drainDoes', { used })}</li>
      {waits}
    </>
  )
}

function Resets({ limit }: { limit: Limit }) {
  const say = useWords(limitWords)
  const shown = useCap()
  const baseline = baselineOf(limit)
  return (
    <>
      <li>{say('resetDoes')}</li>
      {limit.mode !== 'open' && <li>{say('resetMode', { mode: say(limit.mode) })}</li>}
      {overridden(limit).map((cap) => (
        <li key={cap}>
          {say('from', { cap: say(CAP_NAMES[cap]), before: shown(limit[cap]), after: shown(baseline[cap]) })}
        </li>
      ))}
    </>
  )
}
