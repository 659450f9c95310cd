import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Alert, Button, Checkbox, Flex, Form, Input, Modal, Segmented, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { answer, api, type Schemas } from '@/api/client'
import { fieldProblem } from '@/api/problem'
import type { Scope } from '@/api/sessions'
import { useNow } from '@/parts/clock'
import { CopyButton } from '@/parts/CopyButton'
import { ProblemView } from '@/parts/ProblemView'
import { ALL, RIGHTS } from '@/parts/rights/rights'
import { rightWords } from '@/parts/rights/words'
import { useWords } from '@/words/words'
import { ROLES, roleOf, type Role } from './rights'
import { keyWords } from './words'

const DAY = 86_400
const SPANS = { never: null, d30: 30 * DAY, d90: 90 * DAY, d365: 365 * DAY } as const

interface Values {
  name: string
  scopes: Scope[]
  task_types?: string[]
  own_only?: boolean
  span: keyof typeof SPANS
}

/** Makes a key and shows its secret, once. */
export function MakeKey({ close }: { close: () => void }) {
  const say = useWords(keyWords)
  const queries = useQueryClient()
  const [form] = Form.useForm<Values>()
  const make = useMutation({
    mutationFn: ({ name, scopes, task_types, own_only, span }: Values) =>
      answer(
        api.POST('/api/v1/api-keys', {
          body: {
            name: name.trim(),
            scopes,
            task_types: task_types?.length ? task_types : null,
            own_only: own_only ?? false,
            expires_in: SPANS[span],
          },
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['api-keys'] }),
  })
  if (make.data) return <Fresh made={make.data} close={close} />
  return (
    <Modal
      open
      width={620}
      title={say('makeTitle')}
      okText={say('create')}
      confirmLoading={make.isPending}
      onOk={() => form.submit()}
      onCancel={close}
      mask={{ closable: false }}
    >
      <Form
        form={form}
        layout="vertical"
        initialValues={{ scopes: ROLES.viewer, span: 'd90' }}
        onFinish={(values) => make.mutate(values)}
      >
        <Fields form={form} error={make.error} />
        {make.isError && <ProblemView error={make.error} />}
        <Will form={form} />
      </Form>
    </Modal>
  )
}

type Handle = ReturnType<typeof Form.useForm<Values>>[0]

function Fields({ form, error }: { form: Handle; error: unknown }) {
  const say = useWords(keyWords)
  const sayRight = useWords(rightWords)
  const scopes = Form.useWatch('scopes', form) ?? []
  const types = useQuery({
    queryKey: ['task-types'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/task-types', { signal })),
  })
  const roles = (Object.keys(ROLES) as Role[]).map((value) => ({ value, label: say(value) }))
  const spans = (Object.keys(SPANS) as Values['span'][]).map((value) => ({ value, label: say(value) }))
  return (
    <>
      <Form.Item
        name="name"
        label={say('name')}
        rules={[{ required: true, whitespace: true, message: say('nameNeeded') }]}
        {...fieldProblem(error, 'name')}
      >
        <Input maxLength={255} placeholder={say('nameHint')} autoComplete="off" />
      </Form.Item>
      <Form.Item label={say('role')}>
        <Segmented
          className="key-roles"
          aria-label={say('role')}
          options={roles}
          value={roleOf(scopes) ?? ('' as Role)}
          onChange={(role) => form.setFieldValue('scopes', [...ROLES[role]])}
        />
      </Form.Item>
      <Form.Item
        name="scopes"
        label={say('rights')}
        rules={[{ validator: (_, chosen: Scope[]) => needed(chosen, say('rightsNeeded')) }]}
        {...fieldProblem(error, 'scopes')}
      >
        <Checkbox.Group className="key-rights">
          {ALL.map((right) => (
            <Checkbox key={right} value={right}>
              <code>{right}</code> <span className="quiet">{sayRight(RIGHTS[right])}</span>
            </Checkbox>
          ))}
        </Checkbox.Group>
      </Form.Item>
      <Form.Item name="task_types" label={say('onlyTypes')} {...fieldProblem(error, 'task_types')}>
        <Select
          mode="multiple"
          placeholder={say('allTypes')}
          options={types.data?.items.map(({ name }) => ({ value: name }))}
        />
      </Form.Item>
      <Form.Item name="own_only" valuePropName="checked" {...fieldProblem(error, 'own_only')}>
        <Checkbox>{say('ownOnly')}</Checkbox>
      </Form.Item>
      <Form.Item name="span" label={say('expires')} {...fieldProblem(error, 'expires_in')}>
        <Segmented className="key-roles" options={spans} />
      </Form.Item>
    </>
  )
}

/** A rule of its own: Ant Design would call the group required, which groups must not be. */
function needed(chosen: Scope[], words: string): Promise<void> {
  return chosen.length > 0 ? Promise.resolve() : Promise.reject(new Error(words))
}

/** What the key will be able to do, before it is made. */
function Will({ form }: { form: Handle }) {
  const say = useWords(keyWords)
  const sayRight = useWords(rightWords)
  const { i18n } = useTranslation()
  const now = useNow()
  const values = Form.useWatch((all) => all, form)
  if (!values?.span) return null // not drawn yet
  const { scopes = [], task_types: types = [], own_only: own, span } = values
  const seconds = SPANS[span]
  const format = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'short' })
  return (
    <div className="key-will" role="status">
      <h2>{say('will')}</h2>
      <ul className="plain-list">
        {scopes.includes('admin') ? (
          <li className="key-all">{say('willAll')}</li>
        ) : (
          ALL.filter((right) => scopes.includes(right)).map((right) => <li key={right}>{sayRight(RIGHTS[right])}</li>)
        )}
        {types.length > 0 && <li>{say('willTypes', { types: types.join(', ') })}</li>}
        {own && <li>{say('ownOnly')}</li>}
        <li>{seconds === null ? say('willStay') : say('willEnd', { time: format.format(now + seconds * 1000) })}</li>
      </ul>
    </div>
  )
}

function Fresh({ made, close }: { made: Schemas['NewKey']; close: () => void }) {
  const say = useWords(keyWords)
  return (
    <Modal
      open
      title={say('fresh')}
      closable={false}
      mask={{ closable: false }}
      keyboard={false}
      footer={
        <Button type="primary" onClick={close}>
          {say('kept')}
        </Button>
      }
    >
      <Flex vertical gap={12}>
        <Flex gap={8} align="center">
          <code className="key-fresh">{made.key}</code>
          <CopyButton text={made.key} label={say('copyKey')} />
        </Flex>
        <Alert type="warning" showIcon title={say('freshAdvice')} />
      </Flex>
    </Modal>
  )
}
