import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Alert, Descriptions, Drawer, Flex } from 'antd'
import { useState } from 'react'
import { Link } from 'react-router'
import { answer, api } from '@/api/client'
import { useSession } from '@/app/session'
import { CopyButton } from '@/parts/CopyButton'
import { DataTable, type Column } from '@/parts/DataTable'
import { useDone } from '@/parts/done'
import { Duration } from '@/parts/Duration'
import { JsonView } from '@/parts/JsonView'
import { Moment } from '@/parts/Moment'
import { useNumbers } from '@/parts/numbers'
import { Asked } from '@/parts/PageFrame'
import { ProblemView } from '@/parts/ProblemView'
import { RightButton, SureButton } from '@/parts/RightButton'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { HookForm } from './HookForm'
import { addressOf, RECEIVED, TROUBLE, troubled, without, type Hook, type Received } from './hooks'
import { hookWords } from './words'

const ADVICE = {
  bad_signature: 'adviceSignature',
  not_json: 'adviceJson',
  unmapped: 'adviceUnmapped',
  refused: 'adviceRefused',
} as const

/** One webhook: its address, what came and what to do about what goes wrong, its definition. */
export function HookDrawer({ name, close }: { name: string; close: () => void }) {
  const hook = useQuery({
    queryKey: ['hooks', name],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/hooks/{name}', { params: { path: { name } }, signal })),
  })
  return (
    <Drawer open size={560} onClose={close} title={<SafeText text={name} />}>
      <Asked query={hook}>{(found) => <Parts hook={found} close={close} />}</Asked>
    </Drawer>
  )
}

function Parts({ hook, close }: { hook: Hook; close: () => void }) {
  const say = useWords(hookWords)
  const { can } = useSession()
  const [editing, setEditing] = useState(false)
  const remove = useRemove(hook.name, close)
  return (
    <Flex vertical gap={16}>
      <Flex gap={8} wrap>
        <RightButton right="definitions:write" type="primary" onClick={() => setEditing(true)}>
          {say('edit')}
        </RightButton>
        <SureButton
          right="definitions:write"
          title={say('removeTitle', { name: hook.name })}
          description={say('removeDetail')}
          onSure={() => remove.mutate()}
          danger
          loading={remove.isPending}
        >
          {say('remove')}
        </SureButton>
      </Flex>
      {remove.isError && <ProblemView error={remove.error} />}
      <Advice hook={hook} />
      <Facts hook={hook} />
      <Came hook={hook} />
      {can('events:read') && <Link to={`/events?by=hook:${hook.name}`}>{say('events')}</Link>}
      {editing && <HookForm hook={hook} close={() => setEditing(false)} />}
    </Flex>
  )
}

function useRemove(name: string, close: () => void) {
  const say = useWords(hookWords)
  const queries = useQueryClient()
  const done = useDone()
  return useMutation({
    mutationFn: () => answer(api.DELETE('/api/v1/hooks/{name}', { params: { path: { name } } })),
    onSuccess: async () => {
      close()
      done({ title: say('removed', { name }) })
      await queries.invalidateQueries({ queryKey: ['hooks'], exact: true })
    },
  })
}

function Advice({ hook }: { hook: Hook }) {
  const say = useWords(hookWords)
  if (!troubled(hook)) return null
  const ends = TROUBLE.filter((end): end is keyof typeof ADVICE => hook.received[end] !== undefined)
  return (
    <Alert
      type="warning"
      showIcon
      title={ends.map((end) => say(end)).join(' · ')}
      description={ends.map((end) => (
        <p key={end}>{say(ADVICE[end])}</p>
      ))}
    />
  )
}

function Facts({ hook }: { hook: Hook }) {
  const say = useWords(hookWords)
  const mapping = without(hook.event)
  const items = [
    {
      key: 'address',
      label: say('address'),
      children: (
        <span>
          <code className="free-text">{addressOf(hook)}</code> <CopyButton text={addressOf(hook)} />
          <p className="quiet small">{say('addressHelp')}</p>
        </span>
      ),
    },
    { key: 'preset', label: say('preset'), children: hook.preset },
    { key: 'secrets', label: say('secrets'), children: say('setSecrets', { count: hook.secrets_set }) },
    { key: 'tolerance', label: say('tolerance'), children: <Duration seconds={hook.tolerance} /> },
    { key: 'description', label: say('description'), children: <SafeText text={hook.description || '–'} /> },
  ]
  return (
    <>
      <Descriptions column={1} size="small" items={items} />
      {hook.signature && (
        <section>
          <h2 className="small quiet">{say('signature')}</h2>
          <JsonView value={hook.signature} />
        </section>
      )}
      <section>
        <h2 className="small quiet">{say('mapping')}</h2>
        {Object.keys(mapping).length ? <JsonView value={mapping} /> : <p className="quiet">{say('unchanged')}</p>}
      </section>
    </>
  )
}

function Came({ hook }: { hook: Hook }) {
  const say = useWords(hookWords)
  const numbers = useNumbers()
  const ends = RECEIVED.filter((end) => hook.received[end])
  if (ends.length === 0) return <p className="quiet">{say('never')}</p>
  const columns: Column<Received>[] = [
    { key: 'end', title: say('came'), show: (end) => say(end) },
    {
      key: 'number',
      title: say('number'),
      width: 100,
      align: 'right',
      show: (end) => numbers.whole(hook.received[end]?.number ?? 0),
    },
    { key: 'last', title: say('last'), width: 130, show: (end) => <Moment at={hook.received[end]?.last_at} /> },
  ]
  return <DataTable columns={columns} rows={ends} idOf={(end) => end} least={320} />
}
