import { useMutation } from '@tanstack/react-query'
import { Form, Input, Modal } from 'antd'
import type { ReactNode } from 'react'
import { useWords } from '@/words/words'
import { useDone } from './done'
import { ProblemView } from './ProblemView'
import { partWords } from './words'

interface Props {
  name: string
  /** For whom the reason is. */
  hint: string
  pause: (name: string, reason: string) => Promise<unknown>
  resume: (name: string) => Promise<unknown>
  /** Reads anew what shows it. */
  changed: () => Promise<unknown>
  close: () => void
  /** What a pause means. */
  children: ReactNode
}

/** Asks for a reason, pauses what has this name, and offers to take it back. */
export function PauseDialog({ name, hint, pause, resume, changed, close, children }: Props) {
  const say = useWords(partWords)
  const done = useDone()
  const [form] = Form.useForm<{ reason?: string }>()
  const stop = useMutation({
    mutationFn: ({ reason = '' }: { reason?: string }) => pause(name, reason),
    onSuccess: async () => {
      close()
      await changed()
      done({ title: say('pausedDone', { name }), undo: () => resume(name).then(changed) })
    },
  })
  return (
    <Modal
      open
      title={say('pauseTitle', { name })}
      okText={say('pauseNow')}
      confirmLoading={stop.isPending}
      onOk={() => form.submit()}
      onCancel={close}
      mask={{ closable: false }}
    >
      <Form form={form} layout="vertical" onFinish={(values) => stop.mutate(values)}>
        <div className="form-lead">{children}</div>
        <Form.Item name="reason" label={say('reason')}>
          <Input maxLength={255} placeholder={hint} autoFocus />
        </Form.Item>
        {stop.isError && <ProblemView error={stop.error} />}
      </Form>
    </Modal>
  )
}
