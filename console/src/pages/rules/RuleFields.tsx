import { useQuery } from '@tanstack/react-query'
import { Form, Input, InputNumber, Select } from 'antd'
import { answer, api } from '@/api/client'
import { fieldProblem, reasonFor } from '@/api/problem'
import { useWords } from '@/words/words'
import { mappingOf } from './draft'
import { ruleWords } from './words'

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/

/** The fields of a rule; `error` is what the service said of them. */
export function RuleFields({ isNew, error }: { isNew: boolean; error: unknown }) {
  const say = useWords(ruleWords)
  const types = useQuery({
    queryKey: ['task-types'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/task-types', { signal })),
  })
  const wrong = (field: string, help?: string) =>
    fieldProblem(error, reasonFor(error, field) ? field : `trigger/${field}`, help)
  const json = (read: (text: string) => unknown) => ({
    validator: (_: unknown, text: string | undefined) => {
      try {
        if (text?.trim()) read(text)
        return Promise.resolve()
      } catch (reason) {
        return Promise.reject(new Error(say('jsonWrong', { reason: (reason as Error).message })))
      }
    },
  })
  const options = types.data?.items.map(({ name }) => ({ value: name }))
  return (
    <>
      {isNew && (
        <Form.Item
          name="name"
          label={say('name')}
          rules={[{ required: true, pattern: NAME, message: say('nameHint') }]}
          {...wrong('name', say('nameHint'))}
        >
          <Input maxLength={63} autoComplete="off" />
        </Form.Item>
      )}
      {!isNew && (
        <Form.Item name="name" hidden>
          <Input />
        </Form.Item>
      )}
      <Form.Item name="event" label={say('event')} rules={[{ required: true }]} {...wrong('event', say('eventHelp'))}>
        <Input maxLength={256} placeholder="com.example.order.created" spellCheck={false} />
      </Form.Item>
      <Form.Item name="filter" label={say('filter')} {...wrong('filter', say('filterHelp'))}>
        <Input.TextArea
          autoSize={{ minRows: 2, maxRows: 8 }}
          className="code"
          spellCheck={false}
          placeholder="event.data.amount > 100"
        />
      </Form.Item>
      <Form.Item name="task_type" label={say('taskType')} rules={[{ required: true }]} {...wrong('task_type')}>
        <Select showSearch options={options} loading={types.isPending} notFoundContent={say('noTypes')} />
      </Form.Item>
      <Form.Item name="input" label={say('input')} rules={[json(mappingOf)]} {...wrong('input', say('inputHelp'))}>
        <Input.TextArea
          autoSize={{ minRows: 3, maxRows: 14 }}
          className="code"
          spellCheck={false}
          placeholder={'{"order_id": "event.data.order"}'}
        />
      </Form.Item>
      <Form.Item name="key" label={say('key')} {...wrong('key', say('keyHelp'))}>
        <Input className="code" spellCheck={false} placeholder="event.data.customer" />
      </Form.Item>
      <div className="rule-pair">
        <Form.Item name="priority" label={say('priority')} {...wrong('priority')}>
          <InputNumber min={-100} max={100} precision={0} placeholder="0" />
        </Form.Item>
        <Form.Item name="delay" label={say('delay')} {...wrong('delay')}>
          <Input placeholder={say('delayHint')} />
        </Form.Item>
      </div>
      <Form.Item name="labels" label={say('labels')} rules={[json(JSON.parse)]} {...wrong('labels')}>
        <Input.TextArea
          autoSize={{ minRows: 1, maxRows: 8 }}
          className="code"
          spellCheck={false}
          placeholder={'{"shop": "event.data.shop"}'}
        />
      </Form.Item>
      <Form.Item name="description" label={say('description')} {...wrong('description')}>
        <Input.TextArea autoSize={{ minRows: 1, maxRows: 4 }} maxLength={1000} />
      </Form.Item>
    </>
  )
}
