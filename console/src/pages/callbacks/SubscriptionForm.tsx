import { useMutation } from '@tanstack/react-query'
import { Form, Input, Modal, Select } from 'antd'
import { fieldProblem, reasonFor } from '@/api/problem'
import { useDone } from '@/parts/done'
import { JsonInput, parsed } from '@/parts/JsonInput'
import { ProblemView } from '@/parts/ProblemView'
import { partWords } from '@/parts/words'
import { useWords } from '@/words/words'
import { SecretBox } from './Secrets'
import {
  putSubscription,
  remove,
  requestOf,
  useSubscriptionsChanged,
  type Subscription,
  type SubscriptionRequest,
} from './subscriptions'
import { callbackWords } from './words'

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/
const TOLD = ['completed', 'failed', 'cancelled', 'awaiting_input'] as const

interface Values {
  name: string
  url: string
  description: string
  task_types: string[]
  statuses: SubscriptionRequest['statuses']
  labels: string
  secret?: string
}

/** A form for a subscription; a secret that was made is shown once, and the form stays open for it. */
export function SubscriptionForm({ subscription, close }: { subscription: Subscription | null; close: () => void }) {
  const say = useWords(callbackWords)
  const done = useDone()
  const changed = useSubscriptionsChanged()
  const [form] = Form.useForm<Values>()
  const save = useMutation({
    mutationFn: (values: Values) => putSubscription(values.name, bodyOf(values)),
    onSuccess: async (saved, { secret }) => {
      const back = async () => {
        await (subscription ? putSubscription(subscription.name, requestOf(subscription)) : remove(saved.name))
        await changed()
      }
      const undo = subscription && secret ? undefined : back
      done({ title: say('saved', { name: saved.name }), detail: say('savedDetail'), undo })
      if (!saved.secret) close()
      await changed()
    },
  })
  const made = save.data?.secret
  return (
    <Modal
      open
      width={620}
      title={subscription?.name ?? say('newOne')}
      okText={say('save')}
      cancelText={made ? say('close') : undefined}
      okButtonProps={{ disabled: Boolean(made) }}
      confirmLoading={save.isPending}
      onOk={() => form.submit()}
      onCancel={close}
      mask={{ closable: false }}
    >
      {made ? (
        <SecretBox secret={made} />
      ) : (
        <Form
          form={form}
          layout="vertical"
          initialValues={valuesOf(subscription)}
          onFinish={(values) => save.mutate(values)}
        >
          <Fields isNew={subscription === null} error={save.error} />
          {save.isError && <ProblemView error={save.error} />}
        </Form>
      )}
    </Modal>
  )
}

function Fields({ isNew, error }: { isNew: boolean; error: unknown }) {
  const say = useWords(callbackWords)
  const sayPart = useWords(partWords)
  const wrong = (field: string, help?: string) => fieldProblem(error, field, help)
  return (
    <>
      <Form.Item
        name="name"
        label={say('name')}
        hidden={!isNew}
        rules={[{ required: true, pattern: NAME, message: say('nameHint') }]}
        {...wrong('name', say('nameHint'))}
      >
        <Input maxLength={63} autoComplete="off" />
      </Form.Item>
      <Form.Item name="url" label={say('url')} rules={[{ required: true }]} {...wrong('url', say('urlHelp'))}>
        <Input type="url" placeholder="https://shop.example.com/hooks/tradefree" />
      </Form.Item>
      <Form.Item name="task_types" label={say('types')} {...wrong('task_types', say('typesHelp'))}>
        <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', ' ']} />
      </Form.Item>
      <Form.Item name="statuses" label={say('statuses')} {...wrong('statuses', say('statusesHelp'))}>
        <Select mode="multiple" options={TOLD.map((value) => ({ value, label: sayPart(value) }))} />
      </Form.Item>
      <JsonInput name="labels" label={say('labels')} rows={2} problem={reasonFor(error, 'labels')} />
      <Form.Item name="secret" label={say('secret')} {...wrong('secret', say(isNew ? 'secretNew' : 'secretKept'))}>
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Form.Item name="description" label={say('description')} {...wrong('description')}>
        <Input.TextArea autoSize={{ minRows: 1, maxRows: 4 }} />
      </Form.Item>
    </>
  )
}

function valuesOf(subscription: Subscription | null): Partial<Values> {
  if (subscription === null) return { description: '', task_types: [], statuses: [], labels: '' }
  const { labels, ...rest } = requestOf(subscription)
  const text = labels && Object.keys(labels).length ? JSON.stringify(labels) : ''
  return { ...rest, name: subscription.name, labels: text, secret: undefined }
}

function bodyOf({ name, labels, secret, ...rest }: Values): SubscriptionRequest {
  return { ...rest, name, labels: parsed(labels) as Record<string, string>, secret: secret || null }
}
