import { KeyOutlined, PlusOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import { answer, api } from '@/api/client'
import { useSession } from '@/app/session'
import type { Column } from '@/parts/DataTable'
import { useMoved } from '@/parts/live'
import { ListTable } from '@/parts/ListTable'
import { Moment } from '@/parts/Moment'
import { Asked, PageFrame } from '@/parts/PageFrame'
import { RightButton } from '@/parts/RightButton'
import { SafeText } from '@/parts/SafeText'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { About, Health } from './Facts'
import { Deliveries } from './Deliveries'
import { OwnSecret } from './Secrets'
import { SubscriptionDrawer } from './SubscriptionDrawer'
import { SubscriptionForm } from './SubscriptionForm'
import type { Subscription } from './subscriptions'
import { callbackWords } from './words'
import './callbacks.css'

const LOOK = 5000

export default function CallbacksPage() {
  const say = useWords(callbackWords)
  const url = useUrlState()
  const { can } = useSession()
  const [doing, setDoing] = useState<'new' | 'own' | null>(null)
  const defined = can('definitions:read')
  const opened = url.one('name')
  return (
    <PageFrame
      title={say('title')}
      lead={say('lead')}
      actions={
        <>
          <RightButton right="admin" icon={<KeyOutlined />} onClick={() => setDoing('own')}>
            {say('own')}
          </RightButton>
          <RightButton right="definitions:write" type="primary" icon={<PlusOutlined />} onClick={() => setDoing('new')}>
            {say('newOne')}
          </RightButton>
        </>
      }
    >
      {defined && <Subscriptions open={(name) => url.set({ name })} />}
      <Deliveries />
      {defined && opened && <SubscriptionDrawer key={opened} name={opened} close={() => url.set({ name: null })} />}
      {doing === 'new' && <SubscriptionForm subscription={null} close={() => setDoing(null)} />}
      {doing === 'own' && <OwnSecret close={() => setDoing(null)} />}
    </PageFrame>
  )
}

function Subscriptions({ open }: { open: (name: string) => void }) {
  const say = useWords(callbackWords)
  const subscriptions = useQuery({
    queryKey: ['subscriptions'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/subscriptions', { signal })),
    refetchInterval: LOOK,
  })
  useMoved(() => void subscriptions.refetch())
  const columns: Column<Subscription>[] = [
    {
      key: 'name',
      title: say('name'),
      width: 180,
      show: ({ name, description }) => (
        <div className="two-lines">
          <Link to={`?name=${name}`}>{name}</Link>
          <span className="quiet small">
            <SafeText text={description} />
          </span>
        </div>
      ),
    },
    { key: 'url', title: say('url'), show: ({ url }) => <SafeText text={url} /> },
    { key: 'about', title: say('about'), show: (subscription) => <About subscription={subscription} /> },
    { key: 'health', title: say('health'), width: 240, show: (subscription) => <Health subscription={subscription} /> },
    { key: 'success', title: say('lastSuccess'), width: 130, show: ({ last_success_at: at }) => <Moment at={at} /> },
  ]
  return (
    <>
      <h2 className="callbacks-head">{say('subscriptions')}</h2>
      <Asked query={subscriptions} empty={({ items }) => items.length === 0} nothing={say('nothing')}>
        {({ items }) => (
          <ListTable
            rows={items}
            idOf={({ name }) => name}
            columns={columns}
            least={900}
            onOpen={({ name }) => open(name)}
          />
        )}
      </Asked>
    </>
  )
}
