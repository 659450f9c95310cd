import { useMutation } from '@tanstack/react-query'
import { Alert, Form, Input, InputNumber, Segmented } from 'antd'
import { useState } from 'react'
import { answer, api, type Schemas } from '@/api/client'
import { ApiError, fieldProblem, reasonFor } from '@/api/problem'
import { JsonInput, parsed } from '@/parts/JsonInput'
import { Section } from '@/parts/PageFrame'
import { ProblemView } from '@/parts/ProblemView'
import { RightButton, RightNote } from '@/parts/RightButton'
import { useWords } from '@/words/words'
import { RunResult } from './RunResult'
import { SchemaForm } from './SchemaForm'
import { defaultsOf, fieldsOf, inputOf, isSchema, valuesOf, type Field, type Schema } from './schemaFields'
import { typeWords } from './words'

const LABEL = { test: 'console' }
const SHOWN = 'test:console'

interface Values {
  input?: Schema
  json?: string
  key?: string
  priority?: number | null
}

/** Runs one task, with a form that is made of the type's schema. */
export function TestRun({ type }: { type: Schemas['TaskType'] }) {
  const say = useWords(typeWords)
  const schema = type.input_schema === 'from-app' ? type.derived_schema : type.input_schema
  const fields = fieldsOf(schema)
  const [mode, setMode] = useState<'form' | 'json'>(fields === null ? 'json' : 'form')
  const [refusal, setRefusal] = useState<string | null>(null)
  const [form] = Form.useForm<Values>()
  const run = useMutation({
    mutationFn: (values: Values) =>
      answer(
        api.POST('/api/v1/tasks', {
          body: {
            type: type.name,
            input_data: mode === 'json' ? parsed(values.json) : inputOf(fields ?? [], storeOf(form)),
            concurrency_key: values.key?.trim() || null,
            priority: values.priority ?? 0,
            labels: LABEL,
          },
        }),
      ),
  })
  const change = (next: 'form' | 'json') => {
    const words = switched(form, fields ?? [], next)
    setRefusal(words && say(words))
    if (words === null) setMode(next)
  }
  return (
    <div className="type-try">
      <Section
        title={say('input')}
        extra={
          fields !== null && (
            <Segmented
              value={mode}
              onChange={change}
              options={[
                { value: 'form' as const, label: say('asForm') },
                { value: 'json' as const, label: say('asJson') },
              ]}
            />
          )
        }
      >
        <Form
          form={form}
          layout="vertical"
          initialValues={{ input: defaultsOf(fields ?? []), json: '{}' }}
          onFinish={(values) => run.mutate(values)}
          scrollToFirstError={{ block: 'center' }}
        >
          {schema == null && <p className="quiet type-note">{say('noSchema')}</p>}
          {type.input_schema === 'from-app' && <p className="quiet type-note">{say('schemaFromApp')}</p>}
          {refusal && <Alert type="warning" showIcon title={refusal} />}
          {mode === 'form' && fields !== null ? (
            <SchemaForm fields={fields} error={run.error} />
          ) : (
            <JsonInput name="json" label={say('input')} rows={12} problem={reasonFor(run.error, 'input_data')} />
          )}
          <fieldset className="schema-group">
            <legend>{say('options')}</legend>
            <Form.Item name="key" label={say('concurrencyKey')} {...fieldProblem(run.error, 'concurrency_key')}>
              <Input maxLength={255} autoComplete="off" />
            </Form.Item>
            <Form.Item name="priority" label={say('priority')} {...fieldProblem(run.error, 'priority')}>
              <InputNumber min={-100} max={100} precision={0} placeholder="0" />
            </Form.Item>
          </fieldset>
          <ul className="plain-list quiet type-note">
            <li>{say('willRun', { label: SHOWN })}</li>
            {type.connection && <li>{say('willCall', { connection: type.connection })}</li>}
            {type.side_effects && <li className="type-warn">{say('willAct')}</li>}
          </ul>
          {run.error instanceof ApiError && <ProblemView error={run.error} />}
          <RightButton right="tasks:write" type="primary" htmlType="submit" loading={run.isPending}>
            {say('run')}
          </RightButton>
          <RightNote right="tasks:write" />
        </Form>
      </Section>
      <Section title={say('result')}>
        {run.data ? <RunResult id={(run.data as { id: string }).id} /> : <p className="quiet">{say('noRun')}</p>}
      </Section>
    </div>
  )
}

type Handle = ReturnType<typeof Form.useForm<Values>>[0]

/** All that was put into the form, also what no field shows. */
function storeOf(form: Handle): Schema {
  return (form.getFieldsValue(true) as Values).input ?? {}
}

/** Takes what was typed along to the other view. What it says if that cannot be done. */
function switched(form: Handle, fields: readonly Field[], next: 'form' | 'json'): 'notObject' | null {
  try {
    if (next === 'json') {
      form.setFieldValue('json', JSON.stringify(inputOf(fields, storeOf(form)), null, 2))
      return null
    }
    const input = parsed(form.getFieldValue('json') as string)
    if (!isSchema(input)) return 'notObject'
    form.setFieldValue('input', valuesOf(fields, input))
    return null
  } catch {
    return 'notObject'
  }
}
