import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Checkbox, Form, Input, InputNumber, Modal } from 'antd'
import { answer, api, type Schemas } from '@/api/client'
import { fieldProblem } from '@/api/problem'
import { Differences } from '@/parts/Differences'
import { useDone } from '@/parts/done'
import { ProblemView } from '@/parts/ProblemView'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { bodyOf, seen, undoable, type Values } from './values'
import { connectionWords } from './words'

type Connection = Schemas['ConnectionDocument']

/** Makes a connection, or changes one. */
export function ConnectionForm({ connection, close }: { connection?: Connection; close: () => void }) {
  const say = useWords(connectionWords)
  const done = useDone()
  const url = useUrlState()
  const queries = useQueryClient()
  const [form] = Form.useForm<Values>()
  const values = Form.useWatch((all) => all, form)
  const elsewhere = connection !== undefined && values !== undefined && values.base_url !== connection.base_url
  const renew = async () => {
    await queries.invalidateQueries({ queryKey: ['connections'] })
    await queries.invalidateQueries({ queryKey: ['limits'] })
  }
  const save = useMutation({
    mutationFn: (all: Values) => put(all.name, bodyOf(all, connection)),
    onSuccess: async ({ name }, all) => {
      close()
      const back = connection && undoable(connection, all) ? () => put(name, seen(connection)).then(renew) : undefined
      done({ title: say(connection ? 'saved' : 'created', { name }), undo: back })
      if (!connection) url.set({ name })
      await renew()
    },
  })
  return (
    <Modal
      open
      title={connection ? say('editTitle', { name: connection.name }) : say('newTitle')}
      okText={say('save')}
      confirmLoading={save.isPending}
      onOk={() => form.submit()}
      onCancel={close}
      mask={{ closable: false }}
    >
      <Form
        form={form}
        layout="vertical"
        autoComplete="off"
        initialValues={connection ?? { adaptive: true, burst: 1 }}
        onFinish={(all) => save.mutate(all)}
      >
        <Fields named={connection !== undefined} keyNeeded={connection === undefined || elsewhere} error={save.error} />
        {save.isError && <ProblemView error={save.error} />}
        {connection && values && (
          <div className="connection-will" role="status">
            <h2>{say('will')}</h2>
            <Differences before={seen(connection)} after={{ ...bodyOf(values, connection), api_key: undefined }} />
            {values.api_key && <p>{say('secretChanges')}</p>}
            <p className="quiet">{say('holdsFor')}</p>
          </div>
        )}
      </Form>
    </Modal>
  )
}

function put(name: string, body: Schemas['ConnectionRequest']): Promise<Connection> {
  return answer(api.PUT('/api/v1/connections/{name}', { params: { path: { name } }, body }))
}

function Fields({ named, keyNeeded, error }: { named: boolean; keyNeeded: boolean; error: unknown }) {
  const say = useWords(connectionWords)
  return (
    <>
      <Form.Item
        name="name"
        label={say('name')}
        rules={[
          { required: true, message: say('nameNeeded') },
          { pattern: /^[a-z0-9][a-z0-9._-]{0,62}$/, message: say('nameWrong') },
        ]}
        {...fieldProblem(error, 'name')}
      >
        <Input disabled={named} />
      </Form.Item>
      <Form.Item
        name="base_url"
        label={say('url')}
        extra={say('urlHint')}
        rules={[{ required: true, pattern: /^https?:\/\/\S+$/, message: say('urlWrong') }]}
        {...fieldProblem(error, 'base_url')}
      >
        <Input inputMode="url" placeholder="https://dify.example/v1" />
      </Form.Item>
      <Form.Item
        name="api_key"
        label={say('key')}
        extra={named && say(keyNeeded ? 'keyAgain' : 'keyKept')}
        rules={[{ required: keyNeeded, message: say('keyNeeded') }]}
        {...fieldProblem(error, 'api_key')}
      >
        <Input.Password autoComplete="new-password" placeholder="app-…" />
      </Form.Item>
      <div className="connection-fields">
        <Form.Item name="max_running" label={say('max_running')} {...fieldProblem(error, 'max_running')}>
          <InputNumber min={1} max={1_000_000} precision={0} placeholder={say('noCap')} />
        </Form.Item>
        <Form.Item name="max_pending" label={say('max_pending')} {...fieldProblem(error, 'max_pending')}>
          <InputNumber min={1} max={100_000} precision={0} placeholder={say('noCap')} />
        </Form.Item>
        <Form.Item name="rate" label={say('rate')} {...fieldProblem(error, 'rate')}>
          <Input placeholder="60/m" />
        </Form.Item>
        <Form.Item name="burst" label={say('burst')} {...fieldProblem(error, 'burst')}>
          <InputNumber min={1} max={100_000} precision={0} placeholder="1" />
        </Form.Item>
      </div>
      <Form.Item name="adaptive" valuePropName="checked" {...fieldProblem(error, 'adaptive')}>
        <Checkbox>{say('adaptive')}</Checkbox>
      </Form.Item>
    </>
  )
}
