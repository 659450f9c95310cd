import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Form, Input, InputNumber, Modal, Select } from 'antd'
import { useNavigate } from 'react-router'
import { answer, api } from '@/api/client'
import { fieldProblem, reasonFor } from '@/api/problem'
import { JsonInput, parsed } from '@/parts/JsonInput'
import { ProblemView } from '@/parts/ProblemView'
import { useWords } from '@/words/words'
import { taskListWords } from './words'

interface Values {
  type: string
  input: string
  key?: string
  priority?: number
  delay?: string
}

/** A form for one task. The task's page opens when the service has taken it. */
export function SubmitTask({ onClose }: { onClose: () => void }) {
  const say = useWords(taskListWords)
  const navigate = useNavigate()
  const queries = useQueryClient()
  const [form] = Form.useForm<Values>()
  const types = useQuery({
    queryKey: ['task-types'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/task-types', { signal })),
  })
  const submit = useMutation({
    mutationFn: (values: Values) =>
      answer(
        api.POST('/api/v1/tasks', {
          body: {
            type: values.type,
            input_data: parsed(values.input),
            concurrency_key: values.key || null,
            priority: values.priority,
            delay: values.delay || null,
          },
        }),
      ),
    onSuccess: async (task) => {
      await queries.invalidateQueries({ queryKey: ['tasks'] })
      void navigate(`/tasks/${(task as { id: string }).id}`)
    },
  })
  const wrong = (field: string) => fieldProblem(submit.error, field)
  const options = types.data?.items.map(({ name }) => ({ value: name }))
  return (
    <Modal
      open
      width={640}
      title={say('submit')}
      okText={say('send')}
      cancelText={say('cancel')}
      confirmLoading={submit.isPending}
      onOk={() => form.submit()}
      onCancel={onClose}
      mask={{ closable: false }}
    >
      <Form form={form} layout="vertical" initialValues={{ input: '{}' }} onFinish={(values) => submit.mutate(values)}>
        {types.isError && <ProblemView error={types.error} />}
        <Form.Item name="type" label={say('type')} rules={[{ required: true }]} {...wrong('type')}>
          <Select showSearch options={options} loading={types.isPending} notFoundContent={say('noTypes')} />
        </Form.Item>
        <JsonInput name="input" label={say('input')} rows={9} problem={reasonFor(submit.error, 'input_data')} />
        <div className="fields">
          <Form.Item name="key" label={say('key')} {...wrong('concurrency_key')}>
            <Input maxLength={255} />
          </Form.Item>
          <Form.Item name="priority" label={say('priority')} {...wrong('priority')}>
            <InputNumber min={-100} max={100} precision={0} placeholder="0" />
          </Form.Item>
          <Form.Item name="delay" label={say('delay')} {...wrong('delay')}>
            <Input placeholder={say('delayHint')} />
          </Form.Item>
        </div>
        {submit.isError && <ProblemView error={submit.error} />}
      </Form>
    </Modal>
  )
}
