import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button, Flex, Form } from 'antd'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { Differences } from '@/parts/Differences'
import { useDone } from '@/parts/done'
import { JsonInput, parsed } from '@/parts/JsonInput'
import { JsonView } from '@/parts/JsonView'
import { Section } from '@/parts/PageFrame'
import { ProblemView } from '@/parts/ProblemView'
import { SureDialog } from '@/parts/SureDialog'
import { RightButton, RightNote } from '@/parts/RightButton'
import { useWords } from '@/words/words'
import { typeWords } from './words'

type TaskType = Schemas['TaskType']

/** The definition as it is stored; it can be edited and deleted. */
export function Definition({ type }: { type: TaskType }) {
  const say = useWords(typeWords)
  const [editing, setEditing] = useState(false)
  const [deleting, setDeleting] = useState(false)
  return (
    <Section
      title={say('definition')}
      extra={
        !editing && (
          <Flex gap={8}>
            <RightButton right="definitions:write" onClick={() => setEditing(true)}>
              {say('edit')}
            </RightButton>
            <RightButton right="definitions:write" danger onClick={() => setDeleting(true)}>
              {say('delete')}
            </RightButton>
          </Flex>
        )
      }
    >
      <RightNote right="definitions:write" />
      {editing ? <Editor type={type} close={() => setEditing(false)} /> : <JsonView value={type} />}
      {deleting && <Deletion name={type.name} close={() => setDeleting(false)} />}
    </Section>
  )
}

function put(name: string, body: TaskType): Promise<TaskType> {
  return answer(api.PUT('/api/v1/task-types/{name}', { params: { path: { name } }, body }))
}

function Editor({ type, close }: { type: TaskType; close: () => void }) {
  const say = useWords(typeWords)
  const done = useDone()
  const queries = useQueryClient()
  const [before] = useState(() => editable(type))
  const [form] = Form.useForm<{ text: string }>()
  const text = Form.useWatch('text', form)
  const after = readable(text)
  const renew = () => queries.invalidateQueries({ queryKey: ['task-types'] })
  const save = useMutation({
    mutationFn: (values: { text: string }) => put(type.name, parsed(values.text) as TaskType),
    onSuccess: async (stored) => {
      close()
      done({
        title: say('did', { name: type.name }),
        detail: <Differences before={before} after={editable(stored)} />,
        undo: () => put(type.name, before).then(renew),
      })
      await renew()
    },
  })
  return (
    <Form
      form={form}
      layout="vertical"
      initialValues={{ text: JSON.stringify(before, null, 2) }}
      onFinish={(values) => save.mutate(values)}
    >
      <JsonInput name="text" label={say('definition')} rows={24} />
      <h3 className="type-small-head">{say('changes')}</h3>
      {after !== undefined && <Differences before={before} after={after} />}
      <p className="quiet type-note">{say('holdsFor')}</p>
      {save.isError && <ProblemView error={save.error} />}
      <Flex gap={8}>
        <Button type="primary" htmlType="submit" loading={save.isPending}>
          {say('save')}
        </Button>
        <Button onClick={close}>{say('discard')}</Button>
      </Flex>
    </Form>
  )
}

/** What people define: the app's schema is read from the app. */
function editable(type: TaskType): TaskType {
  return { ...type, derived_schema: undefined }
}

function readable(text: string | undefined): unknown {
  try {
    return parsed(text)
  } catch {
    return undefined // the field says why
  }
}

function Deletion({ name, close }: { name: string; close: () => void }) {
  const say = useWords(typeWords)
  const done = useDone()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE('/api/v1/task-types/{name}', { params: { path: { name } } })),
    onSuccess: async () => {
      await navigate('/task-types')
      done({ title: say('deleted', { name }) })
      await queries.invalidateQueries({ queryKey: ['task-types'], exact: true })
    },
  })
  return (
    <SureDialog title={say('deleteTitle', { name })} act={say('delete')} move={remove} close={close}>
      <p>{say('deleteDoes')}</p>
    </SureDialog>
  )
}
