import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button, Flex, Form, Input, Tooltip } from 'antd'
import { answer, api, type Schemas } from '@/api/client'
import { reasonFor } from '@/api/problem'
import { useSession } from '@/app/session'
import { JsonInput, parsed } from '@/parts/JsonInput'
import { HiddenPayload } from '@/parts/JsonView'
import { ExactTime, Moment } from '@/parts/Moment'
import { Section } from '@/parts/PageFrame'
import { ProblemView } from '@/parts/ProblemView'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { taskWords } from './words'

type Field = Schemas['FieldDocument']

/** The form of a run that waits for a person. */
export function Question({ task }: { task: Schemas['TaskDetail'] }) {
  const say = useWords(taskWords)
  const question = task.question
  return (
    <Section title={say('question')}>
      {task.answer_by && (
        <p className="quiet">
          {say('answerBy')} <ExactTime at={task.answer_by} /> (<Moment at={task.answer_by} />)
        </p>
      )}
      {question ? <Answer key={question.id} taskId={task.id} question={question} /> : <HiddenPayload />}
    </Section>
  )
}

function Answer({ taskId, question }: { taskId: string; question: Schemas['QuestionDocument'] }) {
  const say = useWords(taskWords)
  const { can } = useSession()
  const queries = useQueryClient()
  const [form] = Form.useForm<Record<string, string>>()
  const send = useMutation({
    mutationFn: (action: string) => {
      const inputs = valuesOf(question.fields, form.getFieldsValue())
      const body = { action, inputs, question_id: question.id }
      return answer(api.POST('/api/v1/tasks/{task_id}/answers', { params: { path: { task_id: taskId } }, body }))
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['task', taskId] }),
  })
  const choose = (action: string) =>
    void form.validateFields().then(
      () => send.mutate(action),
      () => undefined,
    )
  const denied = !can('tasks:write')
  return (
    <Form form={form} layout="vertical" className="question">
      <h3>
        <SafeText text={question.title} />
      </h3>
      <p>
        <SafeText text={question.content} />
      </p>
      {question.fields.map((field) => (
        <Entry key={field.name} field={field} problem={reasonFor(send.error, `inputs/${field.name}`)} />
      ))}
      {send.isError && <ProblemView error={send.error} />}
      <Tooltip title={denied ? say('needsWrite') : undefined}>
        <Flex gap={8} wrap>
          {question.actions.map((action, index) => (
            <Button
              key={action.id}
              type={index === 0 ? 'primary' : 'default'}
              disabled={denied}
              loading={send.isPending && send.variables === action.id}
              onClick={() => choose(action.id)}
            >
              <SafeText text={action.title || action.id} />
            </Button>
          ))}
        </Flex>
      </Tooltip>
    </Form>
  )
}

function Entry({ field, problem }: { field: Field; problem: string | undefined }) {
  const say = useWords(taskWords)
  const given = field.default ?? ''
  if (field.kind === 'json') return <JsonInput name={field.name} label={field.name} rows={4} problem={problem} />
  return (
    <Form.Item
      name={field.name}
      label={<SafeText text={field.name} />}
      initialValue={typeof given === 'string' ? given : JSON.stringify(given)}
      rules={[{ required: field.required, message: say('required') }]}
      {...(problem ? { validateStatus: 'error' as const, help: problem } : {})}
    >
      <Input.TextArea rows={2} />
    </Form.Item>
  )
}

function valuesOf(fields: Field[], typed: Record<string, string | undefined>): Record<string, unknown> {
  const given = fields.filter(({ name }) => typed[name] !== undefined && typed[name] !== '')
  return Object.fromEntries(given.map(({ name, kind }) => [name, kind === 'json' ? parsed(typed[name]) : typed[name]]))
}
