import { Tooltip } from 'antd'
import { useState } from 'react'
import type { Schemas } from '@/api/client'
import { useSession } from '@/app/session'
import { CopyButton } from '@/parts/CopyButton'
import { DataTable, type Column } from '@/parts/DataTable'
import { Meter } from '@/parts/Meter'
import { Moment } from '@/parts/Moment'
import { RightButton } from '@/parts/RightButton'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { Drain } from './Drain'
import { workerWords } from './words'

type Worker = Schemas['WorkerDocument']

const STYLES = { live: 'worker-live', draining: 'worker-draining', left: '', dead: 'worker-dead' } as const

export function WorkerTable({ workers }: { workers: Worker[] }) {
  const [draining, setDraining] = useState<Worker | null>(null)
  return (
    <div className="section flush">
      <DataTable columns={useColumns(setDraining)} rows={workers} idOf={({ id }) => id} least={1000} />
      {draining && <Drain worker={draining} close={() => setDraining(null)} />}
    </div>
  )
}

function useColumns(drain: (worker: Worker) => void): Column<Worker>[] {
  const say = useWords(workerWords)
  return [
    {
      key: 'worker',
      title: say('worker'),
      show: ({ id, name }) => (
        <div className="two-lines">
          <SafeText text={name} />
          <span>
            <code className="quiet small" title={id}>
              {id.slice(-12)}
            </code>
            <CopyButton text={id} />
          </span>
        </div>
      ),
    },
    {
      key: 'state',
      title: say('state'),
      width: 120,
      show: ({ status }) => (
        <span className={`worker-state ${STYLES[status]}`}>
          <span className="dot" aria-hidden />
          {say(status)}
        </span>
      ),
    },
    {
      key: 'inFlight',
      title: say('inFlight'),
      width: 150,
      show: ({ in_flight, capacity }) => <Meter used={in_flight} cap={capacity} label={say('inFlight')} />,
    },
    { key: 'queues', title: say('queues'), width: 120, show: ({ queues }) => <SafeText text={queues.join(', ')} /> },
    { key: 'beat', title: say('beat'), width: 110, show: ({ beat_at }) => <Moment at={beat_at} /> },
    { key: 'started', title: say('started'), width: 120, show: ({ started_at }) => <Moment at={started_at} /> },
    { key: 'version', title: say('version'), width: 80, show: ({ version }) => <Version of={version} /> },
    {
      key: 'drain',
      title: say('act'),
      width: 100,
      align: 'right',
      show: (worker) =>
        worker.status === 'live' && (
          <RightButton right="definitions:write" size="small" onClick={() => drain(worker)}>
            {say('drain')}
          </RightButton>
        ),
    },
  ]
}

function Version({ of }: { of: string }) {
  const say = useWords(workerWords)
  const { session } = useSession()
  const other = session !== null && session.version !== of
  return (
    <Tooltip title={other ? say('otherVersion', { version: session.version }) : undefined}>
      <span className={other ? 'worker-draining number' : 'number'}>{of}</span>
    </Tooltip>
  )
}
