import { EditOutlined, RedoOutlined, StopOutlined } from '@ant-design/icons'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button, Form, Modal, Popconfirm, Tooltip } from 'antd'
import { useState } from 'react'
import { answer, api, type Schemas } from '@/api/client'
import { reasonFor } from '@/api/problem'
import { useSession } from '@/app/session'
import { JsonInput, parsed } from '@/parts/JsonInput'
import { ProblemView } from '@/parts/ProblemView'
import { ENDED } from '@/parts/StatusTag'
import { useWords } from '@/words/words'
import { taskWords } from './words'

/** Retry what has ended, cancel what has not. */
export function TaskActions({ task }: { task: Schemas['TaskDetail'] }) {
  const say = useWords(taskWords)
  const { can } = useSession()
  const [editing, setEditing] = useState(false)
  const retry = useRetry(task.id)
  const cancel = useCancel(task.id)
  const denied = !can('tasks:write')
  const why = denied ? say('needsWrite') : undefined
  const failed = retry.error ?? cancel.error
  return (
    <>
      {ENDED.includes(task.status) ? (
        <>
          <Button
            type={task.status === 'completed' ? 'default' : 'primary'}
            icon={<RedoOutlined />}
            disabled={denied}
            loading={retry.isPending}
            title={why}
            onClick={() => retry.mutate(undefined)}
          >
            {say('retry')}
          </Button>
          {!task.payloads_hidden && (
            <Button icon={<EditOutlined />} disabled={denied} title={why} onClick={() => setEditing(true)}>
              {say('retryEdited')}
            </Button>
          )}
        </>
      ) : (
        <Popconfirm
          title={say('cancelSure')}
          description={task.status === 'processing' ? say('cancelRuns') : undefined}
          okText={say('yesCancel')}
          cancelText={say('leave')}
          onConfirm={() => cancel.mutate()}
        >
          <Tooltip title={why}>
            <Button
              danger
              icon={<StopOutlined />}
              disabled={denied || task.cancel_requested_at !== null}
              loading={cancel.isPending}
            >
              {say('cancel')}
            </Button>
          </Tooltip>
        </Popconfirm>
      )}
      {failed !== null && !editing && <ProblemView error={failed} />}
      {editing && <RetryEdited task={task} onClose={() => setEditing(false)} />}
    </>
  )
}

function useRetry(taskId: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: Schemas['RetryRequest'] | undefined) =>
      answer(api.POST('/api/v1/tasks/{task_id}/retries', { params: { path: { task_id: taskId } }, body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['task', taskId] }),
  })
}

function useCancel(taskId: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () =>
      answer(api.POST('/api/v1/tasks/{task_id}/cancellation', { params: { path: { task_id: taskId } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['task', taskId] }),
  })
}

function RetryEdited({ task, onClose }: { task: Schemas['TaskDetail']; onClose: () => void }) {
  const say = useWords(taskWords)
  const [form] = Form.useForm<{ input: string }>()
  const retry = useRetry(task.id)
  const send = ({ input }: { input: string }) => retry.mutate({ input_data: parsed(input) }, { onSuccess: onClose })
  return (
    <Modal
      open
      width={680}
      title={say('retryEdited')}
      okText={say('retry')}
      cancelText={say('back')}
      confirmLoading={retry.isPending}
      onOk={() => form.submit()}
      onCancel={onClose}
      mask={{ closable: false }}
    >
      <p className="quiet">{say('retryLead')}</p>
      <Form
        form={form}
        layout="vertical"
        initialValues={{ input: JSON.stringify(task.input_data, null, 2) }}
        onFinish={send}
      >
        <JsonInput name="input" label={say('input_json')} rows={14} problem={reasonFor(retry.error, 'input_data')} />
        {retry.isError && <ProblemView error={retry.error} />}
      </Form>
    </Modal>
  )
}
