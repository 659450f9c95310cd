import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Drawer, Flex } from 'antd'
import { useState, type ReactNode } from 'react'
import { Link } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { CopyButton } from '@/parts/CopyButton'
import { useDone } from '@/parts/done'
import { Meter } from '@/parts/Meter'
import { Moment } from '@/parts/Moment'
import { SureDialog } from '@/parts/SureDialog'
import { RightButton, RightNote } from '@/parts/RightButton'
import { SafeText } from '@/parts/SafeText'
import { CeilingReason } from '@/retold/CeilingReason'
import { useWords } from '@/words/words'
import { Check } from './Check'
import { ConnectionForm } from './ConnectionForm'
import { Caps } from './index'
import { placesOf, StateTag, type Limit } from './StateTag'
import { connectionWords } from './words'

type Connection = Schemas['ConnectionDocument']

interface Props {
  connection: Connection
  limit: Limit | undefined
  close: () => void
}

/** One connection: does it answer, how much does it take, who uses it. */
export function ConnectionDrawer({ connection, limit, close }: Props) {
  const say = useWords(connectionWords)
  const [editing, setEditing] = useState(false)
  const [deleting, setDeleting] = useState(false)
  const { name } = connection
  return (
    <Drawer open size={600} onClose={close} title={name}>
      <div className="connection-parts">
        <Flex gap={8} wrap>
          <RightButton right="definitions:write" onClick={() => setEditing(true)}>
            {say('edit')}
          </RightButton>
          <RightButton right="definitions:write" danger onClick={() => setDeleting(true)}>
            {say('delete')}
          </RightButton>
        </Flex>
        <RightNote right="definitions:write" />
        <StateTag limit={limit} />
        <Part title={say('address')}>
          <code>
            <SafeText text={connection.base_url} />
          </code>
          <CopyButton text={connection.base_url} />
        </Part>
        <Part title={say('secret')}>{say('secretSet')}</Part>
        <Part title={say('caps')}>
          <Caps of={connection} />
        </Part>
        <Part title={say('breaker')}>
          <Breaker connection={connection} limit={limit} />
          <p>
            <Link to={`/limits?scope=connection:${name}`}>{say('change')}</Link>
          </p>
        </Part>
        <Part title={say('users')}>
          <Users name={name} />
        </Part>
        <Check key={name} name={name} />
      </div>
      {editing && <ConnectionForm connection={connection} close={() => setEditing(false)} />}
      {deleting && <Deletion name={name} close={() => setDeleting(false)} gone={close} />}
    </Drawer>
  )
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
  )
}

function Breaker({ connection, limit }: { connection: Connection; limit: Limit | undefined }) {
  const say = useWords(connectionWords)
  if (!connection.adaptive) return <p>{say('fixed')}</p>
  if (!limit?.ceiling) return <p className="quiet">{say('notLearnt')}</p>
  const { ceiling } = limit
  return (
    <>
      <Meter used={limit.in_flight} cap={placesOf(limit)} label={say('inFlight')} />
      <p className={ceiling.down ? 'connection-down' : undefined}>
        {ceiling.down ? say('isDown') : say('level', { count: ceiling.level })}
      </p>
      {ceiling.probe_at && (
        <p>
          {say('probe')} <Moment at={ceiling.probe_at} />
        </p>
      )}
      <p className="quiet">
        {say('moved')} <Moment at={ceiling.since} />: <CeilingReason ceiling={ceiling} />
      </p>
    </>
  )
}

function Users({ name }: { name: string }) {
  const say = useWords(connectionWords)
  const types = useQuery({
    queryKey: ['task-types'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/task-types', { signal })),
  })
  const users = types.data?.items.filter(({ connection }) => connection === name) ?? []
  if (users.length === 0) return <p className="quiet">{say('unused')}</p>
  return (
    <ul className="plain-list">
      {users.map((type) => (
        <li key={type.name}>
          <Link to={`/task-types/${type.name}`}>{type.name}</Link>
        </li>
      ))}
    </ul>
  )
}

function Deletion({ name, close, gone }: { name: string; close: () => void; gone: () => void }) {
  const say = useWords(connectionWords)
  const done = useDone()
  const queries = useQueryClient()
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE('/api/v1/connections/{name}', { params: { path: { name } } })),
    onSuccess: async () => {
      close()
      gone()
      done({ title: say('deleted', { name }) })
      await queries.invalidateQueries({ queryKey: ['connections'] })
    },
  })
  return (
    <SureDialog title={say('deleteTitle', { name })} act={say('delete')} move={remove} close={close}>
      <p>{say('deleteDoes')}</p>
    </SureDialog>
  )
}
