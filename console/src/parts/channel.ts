import type { Schemas } from '@/api/client'
import { sessionEnded } from '@/api/session'
import { setServiceTime } from './clock'

/** Tasks that moved; `more`: others, too. */
export interface Moved {
  readonly ids: readonly string[]
  readonly more: boolean
}

export interface ChannelState {
  readonly live: boolean
  /** Milliseconds: when anything was heard last. */
  readonly heard: number | null
}

const SILENCE = 25_000
/** Milliseconds without a beat (one comes every ten seconds) after which what is shown counts as old. */
const PAUSES = [1000, 2000, 5000, 10_000]
/** Milliseconds between attempts to connect. */

/** Server-sent events from the service, connected again by itself. */
export class Channel {
  state: ChannelState = { live: false, heard: null }
  private source: EventSource | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private attempts = 0
  private interrupted = false
  private readonly movers = new Set<(moved: Moved) => void>()
  private readonly watchers = new Set<() => void>()

  constructor(
    private readonly url: string,
    private readonly onStats: (stats: Schemas['Stats']) => void,
  ) {}

  open(): void {
    this.close()
    const source = new EventSource(this.url)
    this.source = source
    source.addEventListener('hello', (event) => {
      this.hear(event)
      this.attempts = 0
      if (this.interrupted) this.tell({ ids: [], more: true })
      this.interrupted = false
    })
    source.addEventListener('beat', (event) => this.hear(event))
    source.addEventListener('stats', (event) => {
      this.hear()
      this.onStats(JSON.parse(event.data as string) as Schemas['Stats'])
    })
    source.addEventListener('tasks', (event) => {
      this.hear()
      this.tell(JSON.parse(event.data as string) as Moved)
    })
    source.onerror = () => this.again()
    this.expect()
  }

  close(): void {
    clearTimeout(this.timer)
    this.source?.close()
    this.source = null
  }

  listen(tell: (moved: Moved) => void): () => void {
    this.movers.add(tell)
    return () => this.movers.delete(tell)
  }

  subscribe = (tell: () => void): (() => void) => {
    this.watchers.add(tell)
    return () => this.watchers.delete(tell)
  }

  private tell(moved: Moved): void {
    this.movers.forEach((mover) => mover(moved))
  }

  private hear(event?: MessageEvent): void {
    if (event) setServiceTime((JSON.parse(event.data as string) as { now: string }).now)
    this.become({ live: true, heard: Date.now() })
    this.expect()
  }

  private expect(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.again(), SILENCE)
  }

  private again(): void {
    this.close()
    this.interrupted = true
    this.become({ live: false, heard: this.state.heard })
    const pause = PAUSES[Math.min(this.attempts++, PAUSES.length - 1)]
    this.timer = setTimeout(() => void this.reopen(), pause)
  }

  /** An EventSource does not say why it failed: ask whether the session is over before trying on. */
  private async reopen(): Promise<void> {
    const status = await fetch('/api/v1/console/session').then(
      (response) => response.status,
      () => 0,
    )
    if (status === 401) sessionEnded()
    this.open()
  }

  private become(state: ChannelState): void {
    this.state = state
    this.watchers.forEach((tell) => tell())
  }
}
