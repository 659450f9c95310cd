import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Alert, Button, Flex, Form, Input, Modal } from 'antd'
import { Link } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { fieldProblem, reasonFor } from '@/api/problem'
import { OutcomeTag } from '@/parts/decisions'
import { JsonInput, parsed } from '@/parts/JsonInput'
import { ProblemView } from '@/parts/ProblemView'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { eventWords } from './words'

type Taken = Schemas['TakenDocument']

interface Values {
  type: string
  source: string
  id?: string
  subject?: string
  data: string
}

/** A form for one event; shows what the rules decided about it, and stays for the next. */
export function SendEvent({ onClose }: { onClose: () => void }) {
  const say = useWords(eventWords)
  const queries = useQueryClient()
  const [form] = Form.useForm<Values>()
  const send = useMutation({
    mutationFn: async ({ type, source, id, subject, data }: Values) => {
      const body = { specversion: '1.0' as const, type, source, id: id || newId(), subject, data: parsed(data) }
      const taken = await answer(
        api.POST('/api/v1/events', { body, headers: { 'Content-Type': 'application/cloudevents+json' } }),
      )
      return taken as Taken // a batch is answered to a batch alone
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['events'] }),
  })
  const wrong = (field: string) => fieldProblem(send.error, field)
  return (
    <Modal
      open
      width={640}
      title={say('send')}
      okText={say('sendNow')}
      cancelText={say('close')}
      confirmLoading={send.isPending}
      onOk={() => form.submit()}
      onCancel={onClose}
      mask={{ closable: false }}
    >
      <Form
        form={form}
        layout="vertical"
        initialValues={{ source: '/console', data: '{}' }}
        onFinish={(values) => send.mutate(values)}
      >
        <p className="quiet form-lead">{say('sendLead')}</p>
        <Form.Item name="type" label={say('type')} rules={[{ required: true }]} {...wrong('type')}>
          <Input maxLength={255} placeholder="com.example.order.created" />
        </Form.Item>
        <Form.Item name="source" label={say('source')} rules={[{ required: true }]} {...wrong('source')}>
          <Input maxLength={500} />
        </Form.Item>
        <Form.Item name="subject" label={say('subject')} {...wrong('subject')}>
          <Input maxLength={500} />
        </Form.Item>
        <Form.Item name="id" label={say('eventId')} {...wrong('id')}>
          <Input maxLength={255} placeholder={say('idHint')} />
        </Form.Item>
        <JsonInput name="data" label={say('data')} rows={7} problem={reasonFor(send.error, 'data')} />
        {send.isError && <ProblemView error={send.error} />}
        {send.data && <Told taken={send.data} />}
      </Form>
    </Modal>
  )
}

function Told({ taken }: { taken: Taken }) {
  const say = useWords(eventWords)
  return (
    <Alert
      type="success"
      showIcon
      role="status"
      title={say(taken.replayed ? 'sentBefore' : 'sent')}
      action={
        <Link to={`/events/${taken.id}`}>
          <Button size="small">{say('look')}</Button>
        </Link>
      }
      description={
        taken.decisions.length === 0 ? (
          say('noRule')
        ) : (
          <Flex vertical gap={2}>
            {taken.decisions.map((decision) => (
              <span key={decision.trigger}>
                <OutcomeTag outcome={decision.outcome} /> {decision.trigger}{' '}
                {decision.reason && <SafeText text={`${decision.part}: ${decision.reason}`} />}
              </span>
            ))}
          </Flex>
        )
      }
    />
  )
}

function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
