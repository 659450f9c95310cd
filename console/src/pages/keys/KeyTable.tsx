import { Tag, Tooltip } from 'antd'
import type { Schemas } from '@/api/client'
import { useSession } from '@/app/session'
import { CopyButton } from '@/parts/CopyButton'
import { DataTable, type Column } from '@/parts/DataTable'
import { Moment } from '@/parts/Moment'
import { RightButton } from '@/parts/RightButton'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { roleOf, stateOf } from './rights'
import { keyWords } from './words'

type Key = Schemas['KeyDocument']

const STYLES = { good: 'key-good', expired: 'key-ended', revoked: 'key-ended' } as const

interface Props {
  keys: readonly Key[]
  now: number
  revoke: (key: Key) => void
}

export function KeyTable({ keys, now, revoke }: Props) {
  return (
    <div className="section flush">
      <DataTable columns={useColumns(now, revoke)} rows={keys} idOf={({ id }) => id} least={1000} />
    </div>
  )
}

function useColumns(now: number, revoke: (key: Key) => void): Column<Key>[] {
  const say = useWords(keyWords)
  const { session } = useSession()
  return [
    {
      key: 'name',
      title: say('name'),
      show: (key) => (
        <div className="two-lines">
          <span>
            <SafeText text={key.name} /> {key.id === session?.key_id && <Tag variant="filled">{say('yours')}</Tag>}
          </span>
          <span className="quiet small">
            <code>{key.hint}…</code>
            <CopyButton text={key.id} />
          </span>
        </div>
      ),
    },
    {
      key: 'state',
      title: say('state'),
      width: 90,
      show: (key) => <span className={STYLES[stateOf(key, now)]}>{say(stateOf(key, now))}</span>,
    },
    { key: 'rights', title: say('rights'), width: 230, show: (key) => <Rights of={key} /> },
    { key: 'used', title: say('used'), width: 120, show: (key) => <Moment at={key.last_used_at} /> },
    {
      key: 'ends',
      title: say('ends'),
      width: 110,
      show: ({ expires_at }) =>
        expires_at === null ? <span className="quiet">{say('never')}</span> : <Moment at={expires_at} />,
    },
    { key: 'created', title: say('created'), width: 120, show: (key) => <Moment at={key.created_at} /> },
    {
      key: 'revoke',
      title: say('act'),
      width: 110,
      align: 'right',
      show: (key) =>
        key.revoked_at === null && (
          <RightButton right="admin" size="small" danger onClick={() => revoke(key)}>
            {say('revoke')}
          </RightButton>
        ),
    },
  ]
}

function Rights({ of }: { of: Key }) {
  const say = useWords(keyWords)
  const role = roleOf(of.scopes)
  return (
    <div className="two-lines">
      <Tooltip title={of.scopes.join(', ')}>
        <span>{role ? say(role) : of.scopes.join(', ')}</span>
      </Tooltip>
      <span className="quiet small">
        {[of.task_types && say('types', { count: of.task_types.length }), of.own_only && say('seesOwn')]
          .filter(Boolean)
          .join(' · ')}
      </span>
    </div>
  )
}
