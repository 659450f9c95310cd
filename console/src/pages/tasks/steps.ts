import { useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { answer, api, type Schemas } from '@/api/client'

const STEP = 500
/** Tasks of one request: some tenths of a second, so that progress is seen and somebody can stop. */

interface Progress {
  readonly state: 'ready' | 'runs' | 'stopped' | 'done'
  readonly matched: number
  readonly changed: number
  readonly error: unknown
}

export interface Progressing extends Progress {
  readonly run: () => Promise<void>
  readonly stop: () => void
}

/** Acts on everything that matches, step by step. */
export function useSteps(action: Schemas['TaskAction']): Progressing {
  const queries = useQueryClient()
  const [progress, setProgress] = useState<Progress>({ state: 'ready', matched: 0, changed: 0, error: null })
  const stopped = useRef(false)

  async function run(): Promise<void> {
    let [matched, changed] = [0, 0]
    let cursor: string | null = null
    const show = (state: Progress['state'], error: unknown = null) => setProgress({ state, matched, changed, error })
    show('runs')
    try {
      do {
        const body: Schemas['TaskAction'] = { ...action, limit: STEP, cursor }
        const done = await answer(api.POST('/api/v1/task-actions', { body }))
        matched += done.matched
        changed += done.changed
        cursor = done.next_cursor ?? null
        show('runs')
      } while (cursor !== null && !stopped.current)
      show(cursor === null ? 'done' : 'stopped')
    } catch (error) {
      show('stopped', error)
    }
    await queries.invalidateQueries({ queryKey: ['tasks'] })
  }

  const stop = () => {
    stopped.current = true
  }
  return { ...progress, run, stop }
}
