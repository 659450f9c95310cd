import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Form, Input, Modal, Select, Switch } from 'antd'
import { fieldProblem, reasonFor } from '@/api/problem'
import { useDone } from '@/parts/done'
import { JsonInput, parsed } from '@/parts/JsonInput'
import { ProblemView } from '@/parts/ProblemView'
import { useWords } from '@/words/words'
import { PRESETS, putHook, requestOf, without, type Hook, type HookRequest, type Preset } from './hooks'
import { SignatureFields } from './SignatureFields'
import { hookWords } from './words'

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/

const SIGNATURE = { header: '', prefix: '', algorithm: 'sha256', encoding: 'hex', content: '{body}' } as const

interface Values {
  name: string
  description: string
  preset: Preset
  secret?: string
  second?: string
  signature?: HookRequest['signature']
  token_header?: string
  id_header?: string
  tolerance: string
  event: string
  enabled: boolean
}

/** A form for a webhook. Secrets go in and are never shown. */
export function HookForm({ hook, close }: { hook: Hook | null; close: () => void }) {
  const say = useWords(hookWords)
  const queries = useQueryClient()
  const done = useDone()
  const [form] = Form.useForm<Values>()
  const preset = Form.useWatch('preset', form) ?? hook?.preset ?? 'standard-webhooks'
  const save = useMutation({
    mutationFn: (values: Values) => putHook(values.name, bodyOf(values)),
    onSuccess: async (saved, { secret }) => {
      const back = async () => {
        if (hook) await putHook(hook.name, requestOf(hook))
        await queries.invalidateQueries({ queryKey: ['hooks'] })
      }
      const undo = hook && !secret && hook.preset === saved.preset ? back : undefined
      done({ title: say('saved', { name: saved.name }), detail: hook && !undo && say('savedNoUndo'), undo })
      close()
      await queries.invalidateQueries({ queryKey: ['hooks'] })
    },
  })
  const wrong = (field: string, help?: string) => fieldProblem(save.error, field, help)
  const kept = hook !== null && hook.preset === preset
  return (
    <Modal
      open
      width={640}
      title={hook?.name ?? say('newHook')}
      okText={say('save')}
      confirmLoading={save.isPending}
      onOk={() => form.submit()}
      onCancel={close}
      mask={{ closable: false }}
    >
      <Form form={form} layout="vertical" initialValues={valuesOf(hook)} onFinish={(values) => save.mutate(values)}>
        <Form.Item
          name="name"
          label={say('name')}
          hidden={hook !== null}
          rules={[{ required: true, pattern: NAME, message: say('nameHint') }]}
          {...wrong('name', say('nameHint'))}
        >
          <Input maxLength={63} autoComplete="off" />
        </Form.Item>
        <Form.Item name="preset" label={say('preset')} {...wrong('preset')}>
          <Select showSearch options={PRESETS.map((value) => ({ value }))} />
        </Form.Item>
        <div className="hook-pair">
          <Form.Item
            name="secret"
            label={say('secrets')}
            rules={[{ required: !kept }]}
            {...wrong('secrets', kept ? say('secretsKept', { count: hook.secrets_set }) : say('secretsHelp'))}
          >
            <Input.Password autoComplete="new-password" />
          </Form.Item>
          <Form.Item
            name="second"
            label={say('secondSecret')}
            dependencies={['secret']}
            {...(kept ? { extra: say('secretsNew') } : {})}
          >
            <Input.Password autoComplete="new-password" />
          </Form.Item>
        </div>
        <SignatureFields preset={preset} wrong={wrong} />
        <JsonInput name="event" label={say('mapping')} rows={5} problem={reasonFor(save.error, 'event')} />
        <p className="quiet small hook-help">{say('mappingHelp')}</p>
        <div className="hook-pair">
          <Form.Item name="tolerance" label={say('tolerance')} {...wrong('tolerance')}>
            <Input placeholder="5m" />
          </Form.Item>
          <Form.Item name="enabled" label={say('enabled')} valuePropName="checked">
            <Switch />
          </Form.Item>
        </div>
        <Form.Item name="description" label={say('description')} {...wrong('description')}>
          <Input.TextArea autoSize={{ minRows: 1, maxRows: 4 }} maxLength={1000} />
        </Form.Item>
        {save.isError && <ProblemView error={save.error} />}
      </Form>
    </Modal>
  )
}

function valuesOf(hook: Hook | null): Partial<Values> {
  if (hook === null) {
    return {
      preset: 'standard-webhooks',
      signature: SIGNATURE,
      tolerance: '5m',
      event: '',
      enabled: true,
      description: '',
    }
  }
  const mapping = without(hook.event)
  return {
    ...requestOf(hook),
    name: hook.name,
    signature: hook.signature ?? SIGNATURE,
    id_header: hook.id_header ?? undefined,
    tolerance: `${hook.tolerance}s`,
    event: Object.keys(mapping).length ? JSON.stringify(mapping, null, 2) : '',
  }
}

function bodyOf(values: Values): HookRequest {
  const { preset, secret, second, signature, token_header, id_header, event, tolerance } = values
  const custom = preset === 'hmac'
  const secrets = [secret, second].filter((one): one is string => Boolean(one))
  return {
    preset,
    description: values.description,
    enabled: values.enabled,
    tolerance: tolerance || undefined,
    secrets: secrets.length ? secrets : null,
    signature: custom && signature ? { ...signature, time_header: signature.time_header || null } : null,
    token_header: (preset === 'token' && token_header) || undefined,
    id_header: (custom || preset === 'token') && id_header ? id_header : null,
    event: parsed(event) as HookRequest['event'],
  }
}
