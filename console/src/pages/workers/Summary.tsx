import type { Schemas } from '@/api/client'
import { Meter } from '@/parts/Meter'
import { Moment } from '@/parts/Moment'
import { useNumbers } from '@/parts/numbers'
import { useWords } from '@/words/words'
import { workerWords } from './words'

/** All of them, added up. Draining ones give no free places. */
export function Summary({ workers }: { workers: Schemas['WorkerDocument'][] }) {
  const say = useWords(workerWords)
  const { whole } = useNumbers()
  const live = workers.filter(({ status }) => status === 'live')
  const capacity = sum(live.map((worker) => worker.capacity))
  const used = sum(live.map(({ in_flight }) => in_flight))
  const oldest = workers.map(({ beat_at }) => beat_at).sort()[0]
  return (
    <dl className="section worker-sums">
      <div>
        <dt>{say('liveWorkers')}</dt>
        <dd className="number">{whole(live.length)}</dd>
      </div>
      <div>
        <dt>{say('places')}</dt>
        <dd>
          <Meter used={used} cap={capacity} label={say('places')} />
        </dd>
      </div>
      <div>
        <dt>{say('free')}</dt>
        <dd className="number">{whole(Math.max(0, capacity - used))}</dd>
      </div>
      <div>
        <dt>{say('oldest')}</dt>
        <dd>
          <Moment at={oldest} />
        </dd>
      </div>
    </dl>
  )
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
