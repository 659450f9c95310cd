import { Form, Input, InputNumber } from 'antd'
import { fieldProblem } from '@/api/problem'
import { useWords } from '@/words/words'
import type { Caps } from './changes'
import { limitWords } from './words'

export const RATE = /^\s*\d+\s*\/\s*\d*\s*[smhd]\s*$/

export interface CapValues {
  max_running?: number | null
  rate?: string | null
  burst?: number | null
  max_pending?: number | null
}

export function capsOf(values: CapValues): Caps {
  return {
    max_running: values.max_running ?? null,
    rate: values.rate?.trim() || null,
    burst: values.burst ?? 1,
    max_pending: values.max_pending ?? null,
  }
}

/** The four caps. `error`: what the service said of them. */
export function CapFields({ error }: { error: unknown }) {
  const say = useWords(limitWords)
  return (
    <>
      <div className="limit-fields">
        <Form.Item name="max_running" label={say('max_running')} {...fieldProblem(error, 'max_running')}>
          <InputNumber min={1} max={1_000_000} precision={0} placeholder={say('noCap')} />
        </Form.Item>
        <Form.Item name="max_pending" label={say('max_pending')} {...fieldProblem(error, 'max_pending')}>
          <InputNumber min={1} max={100_000} precision={0} placeholder={say('noCap')} />
        </Form.Item>
        <Form.Item
          name="rate"
          label={say('rate')}
          rules={[{ pattern: RATE, message: say('rateWrong') }]}
          {...fieldProblem(error, 'rate')}
        >
          <Input placeholder={say('rateHint')} autoComplete="off" />
        </Form.Item>
        <Form.Item name="burst" label={say('burstName')} {...fieldProblem(error, 'burst')}>
          <InputNumber min={1} max={100_000} precision={0} placeholder="1" />
        </Form.Item>
      </div>
      <p className="quiet small">{say('capHelp')}</p>
    </>
  )
}
