import { Form, Input, Select } from 'antd'
import { useWords } from '@/words/words'
import type { Preset } from './hooks'
import { hookWords } from './words'

interface Props {
  preset: Preset
  wrong: (field: string) => object
}

/** What has to be said of a sender that signs in a way of its own. */
export function SignatureFields({ preset, wrong }: Props) {
  const say = useWords(hookWords)
  const idHeader = (
    <Form.Item name="id_header" label={say('idHeader')} {...wrong('id_header')}>
      <Input placeholder="X-Message-Id" spellCheck={false} />
    </Form.Item>
  )
  if (preset === 'token') {
    return (
      <div className="hook-pair">
        <Form.Item name="token_header" label={say('tokenHeader')} {...wrong('token_header')}>
          <Input placeholder="Authorization" spellCheck={false} />
        </Form.Item>
        {idHeader}
      </div>
    )
  }
  if (preset !== 'hmac') return null
  return (
    <div className="hook-pair">
      <Form.Item
        name={['signature', 'header']}
        label={say('header')}
        rules={[{ required: true }]}
        {...wrong('signature/header')}
      >
        <Input placeholder="X-Signature" spellCheck={false} />
      </Form.Item>
      <Form.Item name={['signature', 'prefix']} label={say('prefix')} {...wrong('signature/prefix')}>
        <Input placeholder="sha256=" spellCheck={false} />
      </Form.Item>
      <Form.Item name={['signature', 'algorithm']} label={say('algorithm')}>
        <Select options={['sha256', 'sha1', 'sha384', 'sha512'].map((value) => ({ value }))} />
      </Form.Item>
      <Form.Item name={['signature', 'encoding']} label={say('encoding')}>
        <Select options={['hex', 'base64'].map((value) => ({ value }))} />
      </Form.Item>
      <Form.Item name={['signature', 'content']} label={say('content')} {...wrong('signature')}>
        <Input placeholder="{time}.{body}" spellCheck={false} />
      </Form.Item>
      <Form.Item name={['signature', 'time_header']} label={say('timeHeader')} {...wrong('signature/time_header')}>
        <Input spellCheck={false} />
      </Form.Item>
      {idHeader}
    </div>
  )
}
