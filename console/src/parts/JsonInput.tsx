import { Form, Input } from 'antd'
import { useWords } from '@/words/words'
import { partWords } from './words'

interface Props {
  name: string
  label: string
  rows: number
  /** What the service said of the value. */
  problem?: string
}

/** A form's field for any JSON value, which says where it is not JSON. Read it by `parsed`. */
export function JsonInput({ name, label, rows, problem }: Props) {
  const say = useWords(partWords)
  const check = (_: unknown, text: string) => {
    try {
      parsed(text)
      return Promise.resolve()
    } catch (error) {
      return Promise.reject(new Error(say('notJson', { reason: (error as Error).message })))
    }
  }
  const told = problem ? { validateStatus: 'error' as const, help: problem } : {}
  return (
    <Form.Item name={name} label={label} rules={[{ validator: check }]} validateTrigger="onBlur" {...told}>
      <Input.TextArea rows={rows} className="code" spellCheck={false} autoComplete="off" />
    </Form.Item>
  )
}

/** The value of a text; nothing typed is an empty object. */
export function parsed(text: string | undefined): unknown {
  return text?.trim() ? JSON.parse(text) : {}
}
