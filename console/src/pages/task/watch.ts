import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { answer, api, type Schemas } from '@/api/client'

type Line = Schemas['LogDocument']

export interface Watched {
  /** In the order of their ids. */
  readonly lines: readonly Line[]
  /** The result as it arrives. */
  readonly text: string
  /** True until every line that is stored has been read. */
  readonly reading: boolean
  readonly error: unknown
}

const NOTHING: Watched = { lines: [], text: '', reading: true, error: null }
const PAGE = 1000
const FRAME = 100
/** Milliseconds between redraws, however fast lines come. */

/** A task's log and text: streamed while it lives, in pages when it has ended. */
export function useWatch(taskId: string, lives: boolean | undefined): Watched {
  const queries = useQueryClient()
  const [watched, setWatched] = useState(NOTHING)
  useEffect(() => {
    if (lives === undefined) return
    const gathered = new Gathered(setWatched)
    const told = () => void queries.invalidateQueries({ queryKey: ['task', taskId] })
    if (lives) streamInto(gathered, taskId, told)
    else void readInto(gathered, taskId)
    return () => gathered.stop()
  }, [queries, taskId, lives])
  return watched
}

/** Lines by their ids (some come twice), shown now and then. */
class Gathered {
  readonly aborted = new AbortController()
  private readonly lines: Line[] = []
  private readonly ids = new Set<number>()
  private last = 0
  private text = ''
  private reading = true
  private error: unknown = null
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly show: (watched: Watched) => void) {}

  add(lines: readonly Line[]): void {
    for (const line of lines) {
      if (this.ids.has(line.id)) continue
      this.ids.add(line.id)
      if (line.id > this.last) this.lines.push(line)
      else this.insert(line)
      this.last = Math.max(this.last, line.id)
    }
    this.soon()
  }

  say(text: string, replace: boolean): void {
    this.text = replace ? text : this.text + text
    this.soon()
  }

  done(error: unknown = null): void {
    this.reading = false
    this.error = error
    this.soon()
  }

  stop(): void {
    clearTimeout(this.timer)
    this.aborted.abort()
  }

  /** A line whose transaction was committed after that of a later one. */
  private insert(line: Line): void {
    const at = this.lines.findIndex(({ id }) => id > line.id)
    this.lines.splice(at, 0, line)
  }

  private soon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      this.show({ lines: [...this.lines], text: this.text, reading: this.reading, error: this.error })
    }, FRAME)
  }
}

function streamInto(gathered: Gathered, taskId: string, moved: () => void): void {
  const source = new EventSource(`/api/v1/tasks/${encodeURIComponent(taskId)}/stream`)
  gathered.aborted.signal.addEventListener('abort', () => source.close())
  source.addEventListener('open', () => gathered.done())
  source.addEventListener('log', (event) => {
    const line = JSON.parse(event.data as string) as Line
    if (line.event === 'attempt.started') gathered.say('', true)
    gathered.add([line])
  })
  source.addEventListener('partial', (event) => {
    const { text, replace } = JSON.parse(event.data as string) as { text: string; replace?: boolean }
    gathered.say(text, replace === true)
  })
  source.addEventListener('status', moved)
  source.addEventListener('end', () => {
    source.close()
    moved()
  })
}

async function readInto(gathered: Gathered, taskId: string): Promise<void> {
  const { signal } = gathered.aborted
  try {
    for (let after = 0; ;) {
      const params = { path: { task_id: taskId }, query: { after, limit: PAGE } }
      const page = await answer(api.GET('/api/v1/tasks/{task_id}/logs', { params, signal }))
      gathered.add(page.items)
      if (page.items.length < PAGE) return gathered.done()
      after = page.next_after
    }
  } catch (error) {
    if (!signal.aborted) gathered.done(error)
  }
}
