import { Form, Input, InputNumber, Segmented, Select, Switch } from 'antd'
import type { ReactNode } from 'react'
import { fieldProblem, reasonFor } from '@/api/problem'
import { JsonInput } from '@/parts/JsonInput'
import { useWords } from '@/words/words'
import type { Kind } from './draft'
import { scheduleWords } from './words'

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/
const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')]

interface Props {
  isNew: boolean
  kind: Kind
  /** What the service said. */
  error: unknown
  /** Stands below the times. */
  children: ReactNode
}

type Wrong = (field: string, help?: string) => object

export function ScheduleFields({ isNew, kind, error, children }: Props) {
  const say = useWords(scheduleWords)
  const wrong: Wrong = (field, help) => fieldProblem(error, field, help)
  const kinds = [
    { value: 'cron' as const, label: say('kindCron') },
    { value: 'every' as const, label: say('kindEvery') },
    { value: 'at' as const, label: say('kindAt') },
  ]
  return (
    <>
      <Form.Item
        name="name"
        label={say('name')}
        hidden={!isNew}
        rules={[{ required: true, pattern: NAME, message: say('nameHint') }]}
        {...wrong('name', say('nameHint'))}
      >
        <Input maxLength={63} autoComplete="off" />
      </Form.Item>
      <Form.Item name="kind" label={say('when')}>
        <Segmented options={kinds} />
      </Form.Item>
      <Timing kind={kind} wrong={wrong} />
      {children}
      <div className="schedule-pair">
        <Form.Item name="type" label={say('eventType')} {...wrong('event/type')}>
          <Input maxLength={255} placeholder="ai.tradefree.schedule" spellCheck={false} />
        </Form.Item>
        <Form.Item name="subject" label={say('subject')} {...wrong('event/subject')}>
          <Input maxLength={255} />
        </Form.Item>
      </div>
      <JsonInput name="data" label={say('data')} rows={3} problem={reasonFor(error, 'event/data')} />
      <Manners wrong={wrong} />
      <Form.Item name="description" label={say('description')} {...wrong('description')}>
        <Input.TextArea autoSize={{ minRows: 1, maxRows: 4 }} maxLength={1000} />
      </Form.Item>
    </>
  )
}

function Timing({ kind, wrong }: { kind: Kind; wrong: Wrong }) {
  const say = useWords(scheduleWords)
  if (kind === 'cron') {
    return (
      <div className="schedule-pair">
        <Form.Item name="cron" label={say('cron')} {...wrong('cron', say('cronHelp'))}>
          <Input className="code" maxLength={200} spellCheck={false} autoComplete="off" />
        </Form.Item>
        <Form.Item name="time_zone" label={say('zone')} {...wrong('time_zone')}>
          <Select showSearch options={ZONES.map((value) => ({ value }))} />
        </Form.Item>
      </div>
    )
  }
  if (kind === 'every') {
    return (
      <div className="schedule-pair">
        <Form.Item name="every" label={say('every')} {...wrong('every', say('everyHint'))}>
          <Input />
        </Form.Item>
        <Form.Item name="start_at" label={say('startAt')} {...wrong('start_at', say('startHelp'))}>
          <Input type="datetime-local" step={1} />
        </Form.Item>
      </div>
    )
  }
  return (
    <Form.Item name="at" label={say('at')} rules={[{ required: true }]} {...wrong('at')}>
      <Input type="datetime-local" step={1} />
    </Form.Item>
  )
}

function Manners({ wrong }: { wrong: Wrong }) {
  const say = useWords(scheduleWords)
  const misfires = [
    { value: 'skip', label: say('misfire_skip') },
    { value: 'once', label: say('misfire_once') },
    { value: 'all', label: say('misfire_all') },
  ]
  const overlaps = [
    { value: 'allow', label: say('overlap_allow') },
    { value: 'skip', label: say('overlap_skip') },
  ]
  return (
    <div className="schedule-pair">
      <Form.Item name="overlap" label={say('overlap')} {...wrong('overlap')}>
        <Select options={overlaps} />
      </Form.Item>
      <Form.Item name="misfire" label={say('misfire')} {...wrong('misfire')}>
        <Select options={misfires} />
      </Form.Item>
      <Form.Item name="misfire_after" label={say('misfireAfter')} {...wrong('misfire_after')}>
        <Input />
      </Form.Item>
      <Form.Item name="misfire_limit" label={say('misfireLimit')} {...wrong('misfire_limit')}>
        <InputNumber min={1} max={100} precision={0} />
      </Form.Item>
      <Form.Item name="jitter" label={say('jitter')} {...wrong('jitter')}>
        <Input placeholder="0s" />
      </Form.Item>
      <Form.Item name="enabled" label={say('enabled')} valuePropName="checked">
        <Switch />
      </Form.Item>
    </div>
  )
}
