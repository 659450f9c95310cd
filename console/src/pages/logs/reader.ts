import type { Schemas } from '@/api/client'

export type Line = Schemas['TaskLogDocument']
export type Page = Schemas['TaskLogPage']

/** Asks for one page; the filters are known to it. */
export type Ask = (query: PageQuery, signal: AbortSignal) => Promise<Page>

export interface PageQuery {
  readonly order: 'newest' | 'oldest'
  readonly from?: string
  readonly to?: string
  readonly cursor?: string
}

export interface Bounds {
  readonly from?: string
  readonly to?: string
  /** Begin at this moment; left out: at the end. */
  readonly at?: string
}

type End = 'unknown' | 'more' | 'end'

export interface Reading {
  /** In the order of their ids, which is nearly that of their times. */
  readonly lines: readonly Line[]
  readonly older: End
  readonly newer: End
  /** How far back a search has looked that finds little. */
  readonly reached: string | null
  readonly busy: boolean
  readonly error: unknown
}

export const NOTHING: Reading = {
  lines: [],
  older: 'unknown',
  newer: 'unknown',
  reached: null,
  busy: true,
  error: null,
}
export const MOST = 100_000
/** Lines that are held; older ones go. */
const OVERLAP = 6000
/** Milliseconds that are read again: a line may be seen later than one that was written after it. */
const PAGES = 5
/** Read at once, so that what is found is shown soon. */

/** A window on the log of all tasks that grows to both sides. */
export class LogReader {
  private state = NOTHING
  private readonly aborted = new AbortController()
  private readonly ids = new Set<number>()
  private lines: Line[] = []
  private olderCursor: string | undefined
  private newerCursor: string | undefined
  private newerFrom: string | undefined
  private working: Promise<void> | null = null

  constructor(
    private readonly ask: Ask,
    private readonly bounds: Bounds,
    private readonly show: (reading: Reading) => void,
  ) {}

  start(): Promise<void> {
    const { at } = this.bounds
    if (at === undefined) return this.older()
    this.newerFrom = at
    return this.newer()
  }

  stop(): void {
    this.aborted.abort()
  }

  /** Reads lines before the first. A search that finds nothing in one page goes on for a few. */
  older(): Promise<void> {
    return this.one(async () => {
      for (let page = 0; page < PAGES; page++) {
        const { from, to, at } = this.bounds
        const query = { order: 'newest' as const, from, to: at ?? to, cursor: this.olderCursor }
        const got = await this.ask(query, this.aborted.signal)
        this.olderCursor = got.next_cursor ?? undefined
        const found = this.add(got.items)
        const older = got.next_cursor === null ? 'end' : 'more'
        const newer = this.bounds.at === undefined ? 'end' : this.state.newer
        this.become({ older, newer, reached: got.reached })
        if (found > 0 || older === 'end') return
      }
    })
  }

  /** Reads lines behind the last. */
  newer(): Promise<void> {
    return this.one(async () => {
      for (let page = 0; page < PAGES; page++) {
        this.newerFrom ??= this.since()
        const query = { order: 'oldest' as const, from: this.newerFrom, to: this.bounds.to, cursor: this.newerCursor }
        const got = await this.ask(query, this.aborted.signal)
        this.newerCursor = got.next_cursor ?? undefined
        this.add(got.items)
        this.become({ newer: got.next_cursor === null ? 'end' : 'more' })
        if (got.next_cursor === null) {
          this.newerFrom = undefined
          return
        }
      }
    })
  }

  private since(): string | undefined {
    const last = this.lines.at(-1)
    const moment = last ? Date.parse(last.created_at) - OVERLAP : Number.NaN
    const from = Date.parse(this.bounds.at ?? this.bounds.from ?? '')
    const since = Number.isNaN(moment) ? from : Number.isNaN(from) ? moment : Math.max(moment, from)
    return Number.isNaN(since) ? undefined : new Date(since).toISOString()
  }

  /** One at a time; what comes meanwhile is done by the next call. */
  private one(work: () => Promise<void>): Promise<void> {
    this.working ??= this.tried(work).finally(() => (this.working = null))
    return this.working
  }

  private async tried(work: () => Promise<void>): Promise<void> {
    this.become({ busy: true })
    try {
      await work()
      this.become({ busy: false, error: null })
    } catch (error) {
      if (!this.aborted.signal.aborted) this.become({ busy: false, error })
    }
  }

  private add(items: readonly Line[]): number {
    const fresh = items.filter(({ id }) => !this.ids.has(id))
    if (fresh.length === 0) return 0
    for (const { id } of fresh) this.ids.add(id)
    this.lines = [...this.lines, ...fresh].sort((one, other) => one.id - other.id)
    for (const { id } of this.lines.splice(0, Math.max(0, this.lines.length - MOST))) this.ids.delete(id)
    return fresh.length
  }

  private become(change: Partial<Reading>): void {
    if (this.aborted.signal.aborted) return
    this.state = { ...this.state, ...change, lines: this.lines }
    this.show(this.state)
  }
}
