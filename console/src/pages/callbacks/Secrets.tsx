import { useMutation, useQuery } from '@tanstack/react-query'
import { Alert, Button, Flex, Modal, Select } from 'antd'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import { CopyButton } from '@/parts/CopyButton'
import { ExactTime } from '@/parts/Moment'
import { ProblemView } from '@/parts/ProblemView'
import { useWords } from '@/words/words'
import { rotate, useSubscriptionsChanged } from './subscriptions'
import { callbackWords } from './words'

/** A secret as it is shown once. */
export function SecretBox({ secret, until }: { secret: string; until?: string | null }) {
  const say = useWords(callbackWords)
  return (
    <Alert
      type="success"
      showIcon
      title={say('yourSecret')}
      description={
        <Flex vertical gap={6}>
          <span>
            <code className="free-text">{secret}</code> <CopyButton text={secret} />
          </span>
          {until && (
            <span>
              {say('oldUntil')} <ExactTime at={until} />
            </span>
          )}
        </Flex>
      }
    />
  )
}

/** Makes a new secret: of a subscription, or (without a name) of tasks' own addresses. */
export function RotateForm({ name, close }: { name: string | null; close: () => void }) {
  const say = useWords(callbackWords)
  const changed = useSubscriptionsChanged()
  const [keep, setKeep] = useState('24h')
  const make = useMutation({ mutationFn: () => rotate(name, keep), onSuccess: changed })
  const spans = [
    { value: '0s', label: say('keepNot') },
    { value: '1h', label: say('keepHour') },
    { value: '24h', label: say('keepDay') },
    { value: '7d', label: say('keepWeek') },
  ]
  const made = make.data
  return (
    <Modal
      open
      title={say('rotateTitle', { name: name ?? say('ownName') })}
      okText={say('rotateNow')}
      cancelText={say('close')}
      okButtonProps={{ disabled: made !== undefined }}
      confirmLoading={make.isPending}
      onOk={() => make.mutate()}
      onCancel={close}
      mask={{ closable: false }}
    >
      <Flex vertical gap={12}>
        <p>{say('rotateDetail')}</p>
        <label>
          {say('keep')} <Select aria-label={say('keep')} value={keep} options={spans} onChange={setKeep} />
        </label>
        {make.isError && <ProblemView error={make.error} />}
        {made && <SecretBox secret={made.secret} until={made.old_secret_until} />}
      </Flex>
    </Modal>
  )
}

/** The secret of tasks' own addresses: one for the whole installation. */
export function OwnSecret({ close }: { close: () => void }) {
  const say = useWords(callbackWords)
  const [rotating, setRotating] = useState(false)
  const secret = useQuery({
    queryKey: ['callback-secret'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/callback-secret', { signal })),
    enabled: false,
    gcTime: 0,
  })
  if (rotating) return <RotateForm name={null} close={close} />
  return (
    <Modal open title={say('ownTitle')} footer={null} onCancel={close}>
      <Flex vertical gap={12}>
        <Flex gap={8}>
          <Button loading={secret.isFetching} onClick={() => void secret.refetch()}>
            {say('ownShow')}
          </Button>
          <Button onClick={() => setRotating(true)}>{say('rotate')}</Button>
        </Flex>
        {secret.isError && <ProblemView error={secret.error} />}
        {secret.data && (
          <span>
            <code className="free-text">{secret.data.secret}</code> <CopyButton text={secret.data.secret} />
          </span>
        )}
      </Flex>
    </Modal>
  )
}
