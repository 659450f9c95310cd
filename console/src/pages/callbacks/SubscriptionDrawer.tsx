import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Descriptions, Drawer, Flex } from 'antd'
import { useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { answer, api } from '@/api/client'
import { CopyButton } from '@/parts/CopyButton'
import { useDone } from '@/parts/done'
import { useMoved } from '@/parts/live'
import { Moment } from '@/parts/Moment'
import { Asked } from '@/parts/PageFrame'
import { PauseDialog } from '@/parts/PauseDialog'
import { ProblemView } from '@/parts/ProblemView'
import { RightButton, SureButton } from '@/parts/RightButton'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { About, Health } from './Facts'
import { RotateForm } from './Secrets'
import { SubscriptionForm } from './SubscriptionForm'
import { pause, remove, resume, sendTest, useSubscriptionsChanged, type Subscription } from './subscriptions'
import { callbackWords } from './words'

/** One subscription: what it is told, how it goes, and everything that can be done with it. */
export function SubscriptionDrawer({ name, close }: { name: string; close: () => void }) {
  const subscription = useQuery({
    queryKey: ['subscriptions', name],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/subscriptions/{name}', { params: { path: { name } }, signal })),
  })
  useMoved(() => void subscription.refetch())
  return (
    <Drawer open size={600} onClose={close} title={<SafeText text={name} />}>
      <Asked query={subscription}>{(found) => <Parts subscription={found} close={close} />}</Asked>
    </Drawer>
  )
}

function Parts({ subscription, close }: { subscription: Subscription; close: () => void }) {
  const say = useWords(callbackWords)
  const [doing, setDoing] = useState<'edit' | 'pause' | 'rotate' | null>(null)
  const leave = () => setDoing(null)
  return (
    <Flex vertical gap={16}>
      <Actions subscription={subscription} close={close} choose={setDoing} />
      <Health subscription={subscription} />
      <Details subscription={subscription} />
      <Link to={`/callbacks?subscription=${subscription.name}`}>{say('seeDeliveries')}</Link>
      {doing === 'edit' && <SubscriptionForm subscription={subscription} close={leave} />}
      {doing === 'pause' && <Pause name={subscription.name} close={leave} />}
      {doing === 'rotate' && <RotateForm name={subscription.name} close={leave} />}
    </Flex>
  )
}

interface ActionsProps {
  subscription: Subscription
  close: () => void
  choose: (what: 'edit' | 'pause' | 'rotate') => void
}

function Actions({ subscription, close, choose }: ActionsProps) {
  const say = useWords(callbackWords)
  const { name, paused } = subscription
  const moves = useMoves(subscription, close)
  const failed = moves.test.error ?? moves.proceed.error ?? moves.removal.error
  const right = 'definitions:write'
  return (
    <>
      <Flex gap={8} wrap>
        <RightButton right={right} type="primary" onClick={() => choose('edit')}>
          {say('edit')}
        </RightButton>
        <RightButton
          right={right}
          disabled={paused !== null}
          loading={moves.test.isPending}
          onClick={() => moves.test.mutate()}
        >
          {say('test')}
        </RightButton>
        {paused ? (
          <SureButton
            right={right}
            title={say('resumeTitle', { name })}
            description={say('resumeDetail')}
            onSure={() => moves.proceed.mutate()}
            loading={moves.proceed.isPending}
          >
            {say('resume')}
          </SureButton>
        ) : (
          <RightButton right={right} onClick={() => choose('pause')}>
            {say('pause')}
          </RightButton>
        )}
        <RightButton right={right} onClick={() => choose('rotate')}>
          {say('rotate')}
        </RightButton>
        <SureButton
          right={right}
          title={say('removeTitle', { name })}
          description={say('removeDetail')}
          onSure={() => moves.removal.mutate()}
          danger
          loading={moves.removal.isPending}
        >
          {say('remove')}
        </SureButton>
      </Flex>
      {failed && <ProblemView error={failed} />}
    </>
  )
}

function useMoves({ name, paused }: Subscription, close: () => void) {
  const say = useWords(callbackWords)
  const navigate = useNavigate()
  const queries = useQueryClient()
  const done = useDone()
  const changed = useSubscriptionsChanged()
  const test = useMutation({
    mutationFn: () => sendTest(name),
    onSuccess: async ({ id }) => {
      // a notice stands outside of the router: no Link works there
      const look = (
        <Button type="link" size="small" onClick={() => void navigate(`/tasks/${id}`)}>
          {say('testLook')}
        </Button>
      )
      done({ title: say('testSent', { name }), detail: look })
      await queries.invalidateQueries({ queryKey: ['deliveries'] })
    },
  })
  const proceed = useMutation({
    mutationFn: () => resume(name),
    onSuccess: async () => {
      await changed()
      const undo = () => pause(name, paused?.reason ?? '').then(changed)
      done({ title: say('resumedDone', { name }), undo })
    },
  })
  const removal = useMutation({
    mutationFn: () => remove(name),
    onSuccess: async () => {
      close()
      done({ title: say('removed', { name }) })
      await queries.invalidateQueries({ queryKey: ['subscriptions'], exact: true })
    },
  })
  return { test, proceed, removal }
}

function Details({ subscription }: { subscription: Subscription }) {
  const say = useWords(callbackWords)
  const { url, last_success_at, last_failure_at, last_error, old_secret_until, description } = subscription
  const items = [
    {
      label: say('url'),
      children: (
        <>
          <SafeText text={url} /> <CopyButton text={url} />
        </>
      ),
    },
    { label: say('about'), children: <About subscription={subscription} /> },
    { label: say('lastSuccess'), children: <Moment at={last_success_at} /> },
    { label: say('lastFailure'), children: <Moment at={last_failure_at} /> },
    { label: say('lastError'), children: <SafeText text={last_error ?? '–'} /> },
    ...(old_secret_until ? [{ label: say('oldUntil'), children: <Moment at={old_secret_until} /> }] : []),
    { label: say('description'), children: <SafeText text={description || '–'} /> },
  ]
  return <Descriptions column={1} size="small" items={items.map((item) => ({ ...item, key: item.label }))} />
}

function Pause({ name, close }: { name: string; close: () => void }) {
  const say = useWords(callbackWords)
  const changed = useSubscriptionsChanged()
  return (
    <PauseDialog {...{ name, pause, resume, changed, close }} hint={say('reasonHint')}>
      {say('pauseDetail')}
    </PauseDialog>
  )
}
