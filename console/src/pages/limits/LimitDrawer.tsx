import { AuditOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Drawer, Flex } from 'antd'
import { useState } from 'react'
import { Link } from 'react-router'
import { answer, api } from '@/api/client'
import { useSession } from '@/app/session'
import { CopyButton } from '@/parts/CopyButton'
import { Meter } from '@/parts/Meter'
import { Moment } from '@/parts/Moment'
import { Asked } from '@/parts/PageFrame'
import { useNumbers } from '@/parts/numbers'
import { RightButton, RightNote } from '@/parts/RightButton'
import { SafeText } from '@/parts/SafeText'
import { CeilingReason } from '@/retold/CeilingReason'
import { useWords } from '@/words/words'
import { baselineOf, CAPS, kindOf, overridden, type Cap, type Limit } from './changes'
import { ChangeForm } from './ChangeForm'
import { placesOf } from './filter'
import { ModeForm, type Move } from './ModeForm'
import { ModeTag } from './ModeTag'
import { limitWords } from './words'

/** One scope: what holds in it and why, and what can be done about it. */
export function LimitDrawer({ scope, close }: { scope: string; close: () => void }) {
  const limit = useQuery({
    queryKey: ['limits', scope],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/limits/{scope}', { params: { path: { scope } }, signal })),
  })
  return (
    <Drawer
      open
      size={560}
      onClose={close}
      title={
        <>
          <SafeText text={scope} /> <CopyButton text={scope} />
        </>
      }
    >
      <Asked query={limit}>{(found) => <Parts limit={found} />}</Asked>
    </Drawer>
  )
}

function Parts({ limit }: { limit: Limit }) {
  const say = useWords(limitWords)
  const { can } = useSession()
  const [changing, setChanging] = useState(false)
  const [move, setMove] = useState<Move | null>(null)
  const target = encodeURIComponent(limit.label)
  return (
    <div className="limit-parts">
      <Flex gap={8} wrap>
        <RightButton right="definitions:write" type="primary" onClick={() => setChanging(true)}>
          {say('change')}
        </RightButton>
        <Moves limit={limit} choose={setMove} />
      </Flex>
      <RightNote right="definitions:write" />
      <ModeTag limit={limit} />
      <Caps limit={limit} />
      <Override limit={limit} />
      <Learnt limit={limit} />
      <Holders limit={limit} />
      {can('admin') && (
        <Link to={`/audit?target=${target}`}>
          <AuditOutlined /> {say('seeAudit')}
        </Link>
      )}
      {changing && <ChangeForm limit={limit} close={() => setChanging(false)} />}
      {move && <ModeForm limit={limit} move={move} close={() => setMove(null)} />}
    </div>
  )
}

const MOVES: Record<Limit['mode'], Move[]> = {
  open: ['pause', 'drain'],
  paused: ['resume', 'drain'],
  draining: ['resume', 'pause'],
  drained: ['resume', 'pause'],
}

function Moves({ limit, choose }: { limit: Limit; choose: (move: Move) => void }) {
  const say = useWords(limitWords)
  const moves: Move[] = limit.override === null ? MOVES[limit.mode] : [...MOVES[limit.mode], 'reset']
  return moves.map((move) => (
    <RightButton key={move} right="definitions:write" onClick={() => choose(move)}>
      {say(move)}
    </RightButton>
  ))
}

export const CAP_NAMES = {
  max_running: 'max_running',
  rate: 'rate',
  burst: 'burstName',
  max_pending: 'max_pending',
} as const

function Caps({ limit }: { limit: Limit }) {
  const say = useWords(limitWords)
  const shown = useCap()
  const baseline = baselineOf(limit)
  const changed = overridden(limit)
  return (
    <section>
      <h2>{say('whatHolds')}</h2>
      <table className="limit-caps">
        <thead>
          <tr>
            <th scope="col">{say('cap')}</th>
            <th scope="col">{say('now')}</th>
            <th scope="col">{say('defined')}</th>
          </tr>
        </thead>
        <tbody>
          {CAPS.map((cap) => (
            <tr key={cap}>
              <th scope="row">{say(CAP_NAMES[cap])}</th>
              <td className={changed.includes(cap) ? 'limit-changed' : undefined}>{shown(limit[cap])}</td>
              <td>{shown(baseline[cap])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** A cap in words. */
export function useCap(): (value: Limit[Cap]) => string {
  const say = useWords(limitWords)
  const { whole } = useNumbers()
  return (value) => (value === null ? say('noCap') : typeof value === 'number' ? whole(value) : value)
}

function Override({ limit }: { limit: Limit }) {
  const say = useWords(limitWords)
  const { override } = limit
  if (override === null) return null
  return (
    <section>
      <h2>{say('somebody')}</h2>
      <p>
        <SafeText text={say('bySomebody', { name: override.by })} /> <Moment at={override.at} />
        {override.until && (
          <>
            {' · '}
            {say('until')} <Moment at={override.until} />
          </>
        )}
      </p>
      {override.reason && (
        <p>
          <span className="quiet">{say('why')} </span>
          <SafeText text={override.reason} />
        </p>
      )}
    </section>
  )
}

function Learnt({ limit }: { limit: Limit }) {
  const say = useWords(limitWords)
  const { ceiling } = limit
  if (ceiling === null) return null
  return (
    <section>
      <h2>{say('learnt')}</h2>
      <p>{ceiling.down ? say('learntDown') : say('learntLevel', { count: ceiling.level })}</p>
      <p className="quiet">
        {say('moved')} <Moment at={ceiling.since} />: <CeilingReason ceiling={ceiling} />
      </p>
    </section>
  )
}

function Holders({ limit }: { limit: Limit }) {
  const say = useWords(limitWords)
  const { whole } = useNumbers()
  const holders = Object.entries(limit.held_by)
  const types = linked(limit)
  return (
    <section>
      <h2>{say('heldBy')}</h2>
      <Meter used={limit.in_flight} cap={placesOf(limit)} label={say('inFlight')} />
      {holders.length === 0 ? (
        <p className="quiet">{say('nobody')}</p>
      ) : (
        <ul className="plain-list">
          {holders.map(([type, count]) => (
            <li key={type}>
              <Link to={`/tasks?status=queued&status=processing&type=${encodeURIComponent(type)}`}>
                <SafeText text={type} />
              </Link>{' '}
              <span className="number">{whole(count)}</span>
            </li>
          ))}
        </ul>
      )}
      {types && (
        <Flex gap={16} wrap>
          <Link to={`/tasks?status=pending&${types}`}>{say('seeWaiting')}</Link>
          <Link to={`/tasks?status=queued&status=processing&${types}`}>{say('seeRunning')}</Link>
        </Flex>
      )}
    </section>
  )
}

/** The filter of its tasks, where there is one. */
function linked(limit: Limit): string | undefined {
  const name = limit.label.slice(kindOf(limit).length + 1)
  if (kindOf(limit) === 'everything') return ' '.trim()
  if (kindOf(limit) === 'type') return new URLSearchParams({ type: name }).toString()
  if (kindOf(limit) !== 'lane') return undefined
  const [type = '', ...key] = name.split('/')
  return new URLSearchParams({ type, key: key.join('/') }).toString()
}
