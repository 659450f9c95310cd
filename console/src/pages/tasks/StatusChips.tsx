import { useNumbers } from '@/parts/numbers'
import { STATUSES, StatusTag, type Status } from '@/parts/StatusTag'
import { useStats } from '@/parts/typeStats'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import type { TaskFilter } from './filter'
import { taskListWords } from './words'

/** The statuses with how many tasks have them (of the chosen types); a click shows those, a click with Ctrl adds them. */
export function StatusChips({ filter }: { filter: TaskFilter }) {
  const say = useWords(taskListWords)
  const url = useUrlState()
  const numbers = useNumbers()
  const stats = useStats()
  const counts = stats.data && counted(stats.data, filter.type)
  const choose = (status: Status, add: boolean) => {
    const on = filter.status.includes(status)
    const others = add ? filter.status.filter((one) => one !== status) : []
    url.set({ status: on && (add || filter.status.length === 1) ? others : [...others, status] })
  }
  return (
    <div className="chips" role="group" aria-label={say('status')}>
      <button type="button" aria-pressed={filter.status.length === 0} onClick={() => url.set({ status: null })}>
        {say('all')}
      </button>
      {STATUSES.map((status) => (
        <button
          key={status}
          type="button"
          aria-pressed={filter.status.includes(status)}
          onClick={(event) => choose(status, event.ctrlKey || event.metaKey)}
        >
          <StatusTag status={status} />
          {counts && <span className="number quiet">{numbers.short(counts[status] ?? 0)}</span>}
        </button>
      ))}
    </div>
  )
}

interface Counts {
  by_status: Record<string, number>
  by_type: Record<string, Record<string, number>>
}

function counted(stats: Counts, types: string[]): Record<string, number> {
  if (types.length === 0) return stats.by_status
  const sum = (status: string) => types.reduce((all, type) => all + (stats.by_type[type]?.[status] ?? 0), 0)
  return Object.fromEntries(STATUSES.map((status) => [status, sum(status)]))
}
