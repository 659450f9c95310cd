import { useQuery } from '@tanstack/react-query'
import { answer, api } from '@/api/client'
import { CopyButton } from '@/parts/CopyButton'
import type { Column } from '@/parts/DataTable'
import { ListTable } from '@/parts/ListTable'
import { MakingFrame } from '@/parts/MakingFrame'
import { Moment } from '@/parts/Moment'
import { Asked } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { HookDrawer } from './HookDrawer'
import { HookForm } from './HookForm'
import { addressOf, lastOf, type Hook } from './hooks'
import { Tallies } from './Tallies'
import { hookWords } from './words'
import './webhooks.css'

const LOOK = 5000
/** Milliseconds between looks: the numbers are written once a second. */

export default function WebhooksPage() {
  const say = useWords(hookWords)
  const url = useUrlState()
  const hooks = useQuery({
    queryKey: ['hooks'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/hooks', { signal })),
    refetchInterval: LOOK,
  })
  const opened = url.one('name')
  return (
    <MakingFrame
      title={say('title')}
      lead={say('lead')}
      right="definitions:write"
      make={say('newHook')}
      form={(close) => <HookForm hook={null} close={close} />}
    >
      <Asked query={hooks} empty={({ items }) => items.length === 0} nothing={say('nothing')}>
        {({ items }) => <HookTable hooks={items} open={(name) => url.set({ name })} />}
      </Asked>
      {opened && <HookDrawer name={opened} close={() => url.set({ name: null })} />}
    </MakingFrame>
  )
}

function HookTable({ hooks, open }: { hooks: Hook[]; open: (name: string) => void }) {
  const say = useWords(hookWords)
  const columns: Column<Hook>[] = [
    {
      title: say('name'),
      key: 'name',
      show: (hook) => (
        <div className="two-lines">
          <button type="button" className="as-link" onClick={() => open(hook.name)}>
            {hook.name}
          </button>
          <span className="quiet small">
            <SafeText text={hook.description} />
          </span>
        </div>
      ),
    },
    { title: say('sender'), key: 'preset', width: 160, show: (hook) => hook.preset },
    {
      title: say('address'),
      key: 'address',
      show: (hook) => (
        <>
          <code>{hook.path}</code> <CopyButton text={addressOf(hook)} />
        </>
      ),
    },
    { title: say('came'), key: 'came', show: (hook) => <Tallies hook={hook} /> },
    { title: say('last'), key: 'last', width: 120, show: (hook) => <Moment at={lastOf(hook)} /> },
    {
      title: say('state'),
      key: 'state',
      width: 150,
      show: (hook) => <span className={hook.enabled ? '' : 'quiet'}>{say(hook.enabled ? 'on' : 'off')}</span>,
    },
  ]
  return (
    <ListTable rows={hooks} idOf={({ name }) => name} columns={columns} least={900} onOpen={({ name }) => open(name)} />
  )
}
