import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Form, Input, Modal, Select } from 'antd'
import { answer, api } from '@/api/client'
import { fieldProblem } from '@/api/problem'
import { useDone } from '@/parts/done'
import { ProblemView } from '@/parts/ProblemView'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { CapFields, capsOf, type CapValues } from './CapFields'
import { Effects } from './Effects'
import { limitWords } from './words'

const KINDS = ['limit', 'queue', 'everything'] as const
type Values = CapValues & { kind: (typeof KINDS)[number]; name?: string }

function scopeOf({ kind, name }: Values): string {
  return kind === 'everything' ? kind : `${kind}:${name?.trim() ?? ''}`
}

/** Defines the caps of everything, a queue or a shared limit. */
export function DefineForm({ close }: { close: () => void }) {
  const say = useWords(limitWords)
  const done = useDone()
  const queries = useQueryClient()
  const [form] = Form.useForm<Values>()
  const values = Form.useWatch((all) => all, form)
  const save = useMutation({
    mutationFn: (all: Values) =>
      answer(
        api.PUT('/api/v1/limits/{scope}/baseline', { params: { path: { scope: scopeOf(all) } }, body: capsOf(all) }),
      ),
    onSuccess: async (limit) => {
      close()
      done({ title: say('didDefine', { scope: limit.label }) })
      await queries.invalidateQueries({ queryKey: ['limits'] })
    },
  })
  return (
    <Modal
      open
      title={say('defineTitle')}
      okText={say('save')}
      confirmLoading={save.isPending}
      onOk={() => form.submit()}
      onCancel={close}
      mask={{ closable: false }}
    >
      <Form form={form} layout="vertical" initialValues={{ kind: 'limit' }} onFinish={(all) => save.mutate(all)}>
        <p className="quiet">{say('defineHelp')}</p>
        <div className="limit-fields">
          <Form.Item name="kind" label={say('kind')}>
            <Select options={KINDS.map((value) => ({ value, label: say(value) }))} />
          </Form.Item>
          {values?.kind !== 'everything' && (
            <Form.Item
              name="name"
              label={say('name')}
              rules={[
                { required: true, whitespace: true, message: say('nameNeeded') },
                { pattern: /^[a-z0-9][a-z0-9._-]{0,62}$/, message: say('nameWrong') },
              ]}
              {...fieldProblem(save.error, 'scope')}
            >
              <Input autoComplete="off" />
            </Form.Item>
          )}
        </div>
        <CapFields error={save.error} />
        {save.isError && <ProblemView error={save.error} />}
        {values && (
          <Effects>
            <li>
              <SafeText text={say('defineDoes', { scope: scopeOf(values) })} />
            </li>
          </Effects>
        )}
      </Form>
    </Modal>
  )
}
