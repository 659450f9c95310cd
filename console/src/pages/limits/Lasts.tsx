import { Form, InputNumber, Segmented } from 'antd'
import { useWords } from '@/words/words'
import { limitWords } from './words'

export const CHOICES = { untilReset: undefined, m15: 900, h1: 3600, h8: 28_800 } as const
export type Choice = keyof typeof CHOICES | 'otherTime'
export interface LastsValues {
  choice: Choice
  minutes?: number | null
}

/** Seconds for which a change is to hold; nothing: for good. */
export function lastsOf({ choice, minutes }: LastsValues): number | undefined {
  if (choice !== 'otherTime') return CHOICES[choice]
  return minutes == null ? undefined : minutes * 60
}

/** For how long a change is to hold: fields `choice` and `minutes` of the form around. */
export function Lasts() {
  const say = useWords(limitWords)
  const choice = Form.useWatch<Choice | undefined>('choice')
  const choices: Choice[] = ['untilReset', 'm15', 'h1', 'h8', 'otherTime']
  return (
    <>
      <Form.Item name="choice" label={say('lasts')}>
        <Segmented className="lasts" options={choices.map((value) => ({ value, label: say(value) }))} />
      </Form.Item>
      {choice === 'otherTime' && (
        <Form.Item
          name="minutes"
          label={say('minutes')}
          rules={[{ required: true, type: 'number', min: 1, message: say('lastsWrong') }]}
        >
          <InputNumber min={1} precision={0} />
        </Form.Item>
      )}
    </>
  )
}
