import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Form, Input, Modal } from 'antd'
import { useTranslation } from 'react-i18next'
import { fieldProblem } from '@/api/problem'
import { useNow } from '@/parts/clock'
import { useDone } from '@/parts/done'
import { ProblemView } from '@/parts/ProblemView'
import { useWords } from '@/words/words'
import { CapFields, capsOf, type CapValues } from './CapFields'
import { change, changedCaps, effectsOf, undo, type Cap, type Caps, type Limit } from './changes'
import { Effects } from './Effects'
import { lastsOf, Lasts, type LastsValues } from './Lasts'
import { CAP_NAMES, useCap } from './LimitDrawer'
import { limitWords } from './words'

type Values = CapValues & LastsValues & { reason?: string }

/** Replaces caps of a scope, for a time or until they are reset. */
export function ChangeForm({ limit, close }: { limit: Limit; close: () => void }) {
  const say = useWords(limitWords)
  const done = useDone()
  const queries = useQueryClient()
  const lines = useChanges(limit)
  const [form] = Form.useForm<Values>()
  const values = Form.useWatch((all) => all, form)
  const wanted = values ? changedCaps(limit, capsOf(values)) : {}
  const unchanged = Object.keys(wanted).length === 0
  const renew = () => queries.invalidateQueries({ queryKey: ['limits'] })
  const save = useMutation({
    mutationFn: (all: Values) => change(limit, changedCaps(limit, capsOf(all)), lastsOf(all), all.reason?.trim() ?? ''),
    onSuccess: async (after) => {
      close()
      done({
        title: say('didChange', { scope: limit.label }),
        detail: lines(wanted).join('; '),
        undo: () => undo(limit, after, say('undoReason')).then(renew),
      })
      await renew()
    },
  })
  return (
    <Modal
      open
      title={say('changeTitle', { scope: limit.label })}
      okText={say('save')}
      okButtonProps={{ disabled: unchanged }}
      confirmLoading={save.isPending}
      onOk={() => form.submit()}
      onCancel={close}
      mask={{ closable: false }}
    >
      <Form
        form={form}
        layout="vertical"
        initialValues={{ ...limit, choice: 'untilReset' }}
        onFinish={(all) => save.mutate(all)}
      >
        <CapFields error={save.error} />
        <Lasts />
        <Form.Item name="reason" label={say('reason')} {...fieldProblem(save.error, 'reason')}>
          <Input maxLength={255} placeholder={say('reasonHint')} />
        </Form.Item>
        {save.isError && <ProblemView error={save.error} />}
        <Effects>
          {unchanged ? (
            <li className="quiet">{say('unchanged')}</li>
          ) : (
            <>
              {lines(wanted).map((line) => (
                <li key={line}>{line}</li>
              ))}
              {effectsOf(limit, wanted).map((effect) => (
                <li key={effect.say}>{say(effect.say, effect.values)}</li>
              ))}
              <End lasts={values ? lastsOf(values) : undefined} />
            </>
          )}
        </Effects>
      </Form>
    </Modal>
  )
}

/** When a change ends. */
export function End({ lasts }: { lasts: number | undefined }) {
  const say = useWords(limitWords)
  const { i18n } = useTranslation()
  const now = useNow()
  if (lasts === undefined) return <li>{say('effectForGood')}</li>
  const format = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'short' })
  const time = format.format(now + lasts * 1000)
  return <li>{say('effectUntil', { time })}</li>
}

/** Each cap before and after, in words. */
function useChanges(limit: Limit): (wanted: Partial<Caps>) => string[] {
  const say = useWords(limitWords)
  const shown = useCap()
  return (wanted) =>
    (Object.keys(wanted) as Cap[]).map((cap) =>
      say('from', { cap: say(CAP_NAMES[cap]), before: shown(limit[cap]), after: shown(wanted[cap] ?? null) }),
    )
}
