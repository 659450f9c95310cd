import { Checkbox, Form, Input, InputNumber, Select } from 'antd'
import type { Rule } from 'antd/es/form'
import { fieldProblem } from '@/api/problem'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import type { Field } from './schemaFields'
import { typeWords } from './words'

interface Props {
  fields: readonly Field[]
  /** What the service said of the input. */
  error: unknown
}

/** The fields of a schema, inside a form; their values stand below `input`. */
export function SchemaForm({ fields, error }: Props) {
  return fields.map((field) =>
    field.kind === 'group' ? (
      <fieldset key={field.path.join('/')} className="schema-group">
        <legend>
          <SafeText text={field.title} />
        </legend>
        <SchemaForm fields={field.fields} error={error} />
      </fieldset>
    ) : (
      <OneField key={field.path.join('/')} field={field} error={error} />
    ),
  )
}

function OneField({ field, error }: { field: Field; error: unknown }) {
  const rules = useRules(field)
  return (
    <Form.Item
      name={['input', ...field.path]}
      label={<SafeText text={field.title} />}
      extra={field.description && <SafeText text={field.description} />}
      rules={rules}
      validateTrigger="onBlur"
      {...(field.kind === 'yes' ? { valuePropName: 'checked' } : {})}
      {...(field.kind === 'choice' ? byPlace(field.choices) : {})}
      {...fieldProblem(error, ['input_data', ...field.path].join('/'))}
    >
      {useControl(field)}
    </Form.Item>
  )
}

/** A choice may be any JSON value: the list knows it by its place. */
function byPlace(choices: readonly unknown[]) {
  const placeOf = (value: unknown) => choices.findIndex((one) => JSON.stringify(one) === JSON.stringify(value))
  return {
    getValueProps: (value: unknown) => ({ value: value === undefined ? undefined : placeOf(value) }),
    getValueFromEvent: (place: number | undefined) => (place === undefined ? undefined : choices[place]),
  }
}

function useControl({ kind, choices }: Field) {
  const say = useWords(typeWords)
  switch (kind) {
    case 'long':
      return <Input.TextArea autoSize={{ minRows: 2, maxRows: 12 }} />
    case 'number':
      return <InputNumber className="schema-number" />
    case 'integer':
      return <InputNumber className="schema-number" precision={0} />
    case 'yes':
      return <Checkbox />
    case 'choice':
      return <Select allowClear options={choices.map((one, value) => ({ value, label: labelOf(one) }))} />
    case 'list':
      return <Select mode="tags" open={false} suffixIcon={null} placeholder={say('listHint')} />
    case 'json':
      return <Input.TextArea className="code" autoSize={{ minRows: 2, maxRows: 12 }} spellCheck={false} />
    default:
      return <Input autoComplete="off" />
  }
}

function labelOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function useRules({ kind, required, schema }: Field): Rule[] {
  const say = useWords(typeWords)
  const rules: Rule[] = []
  const number = (name: string) => (typeof schema[name] === 'number' ? schema[name] : undefined)
  if (required && kind !== 'yes') rules.push({ required: true, message: say('required') })
  if (kind === 'json') rules.push({ validator: (_, text) => checkJson(text, (reason) => say('notJson', { reason })) })
  if (kind === 'text' || kind === 'long') {
    const [least, most] = [number('minLength'), number('maxLength')]
    if (least !== undefined) rules.push({ min: least, message: say('tooShort', { n: least }) })
    if (most !== undefined) rules.push({ max: most, message: say('tooLong', { n: most }) })
    const pattern = typeof schema.pattern === 'string' ? expression(schema.pattern) : null
    if (pattern) rules.push({ pattern, message: say('notLike', { pattern: pattern.source }) })
  }
  if (kind === 'number' || kind === 'integer') {
    const [least, most] = [number('minimum'), number('maximum')]
    if (least !== undefined) rules.push({ type: 'number', min: least, message: say('tooSmall', { n: least }) })
    if (most !== undefined) rules.push({ type: 'number', max: most, message: say('tooLarge', { n: most }) })
  }
  return rules
}

function checkJson(text: unknown, words: (reason: string) => string): Promise<void> {
  try {
    if (typeof text === 'string' && text.trim()) JSON.parse(text)
    return Promise.resolve()
  } catch (error) {
    return Promise.reject(new Error(words((error as Error).message)))
  }
}

/** A schema's pattern, if the browser understands it, too; the service checks anyway. */
function expression(pattern: string): RegExp | null {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    return null
  }
}
