import type { Schemas } from '@/api/client'

type Line = Schemas['LogDocument']

/** A node of a run, or a round of a loop: when it began and how long it took. */
export interface Step {
  readonly key: number
  readonly title: string
  readonly type: string
  /** Milliseconds. */
  readonly from: number
  /** Null while it runs. */
  readonly to: number | null
  readonly failed: boolean
  readonly tokens: number | null
  readonly data: Line['data']
}

const ENDS = ['dify.node.finished', 'dify.node.failed', 'dify.iteration.finished', 'dify.loop.finished']
const BEGINS = ['dify.node.started', 'dify.iteration.started', 'dify.loop.started']

/** The steps of one attempt, in the order in which they began, from the lines of its log. */
export function stepsOf(lines: readonly Line[], attempt: number): Step[] {
  const open = new Map<string, Step[]>()
  const steps = new Map<number, Step>()
  for (const line of lines) {
    if (line.attempt !== attempt || !line.data) continue
    const node = text(line.data.node_id)
    if (BEGINS.includes(line.event)) {
      const step = begun(line)
      steps.set(step.key, step)
      open.set(node, [...(open.get(node) ?? []), step])
    } else if (ENDS.includes(line.event)) {
      const [step, ...others] = open.get(node) ?? []
      open.set(node, others)
      const done = ended(line, step)
      steps.set(done.key, done)
    }
  }
  return [...steps.values()].sort((a, b) => a.from - b.from || a.key - b.key)
}

/** From the first step until the end of the attempt, which is `end` or now. */
export function spanOf(steps: readonly Step[], end: number): { from: number; to: number } {
  const from = Math.min(...steps.map((step) => step.from))
  return { from, to: Math.max(from + 1, end, ...steps.map((step) => step.to ?? from)) }
}

function begun(line: Line): Step {
  const { title, node_id: id, node_type: type } = line.data ?? {}
  const at = Date.parse(line.created_at)
  const name = text(title) || text(id)
  return {
    key: line.id,
    title: name,
    type: text(type),
    from: at,
    to: null,
    failed: false,
    tokens: null,
    data: line.data,
  }
}

function ended(line: Line, step: Step | undefined): Step {
  const { elapsed_time: elapsed, tokens } = line.data ?? {}
  const told = Date.parse(line.created_at)
  const took = typeof elapsed === 'number' ? elapsed * 1000 : null
  const from = step?.from ?? told - (took ?? 0)
  return {
    ...(step ?? begun(line)),
    from,
    to: took === null ? told : from + took,
    failed: line.event === 'dify.node.failed',
    tokens: typeof tokens === 'number' ? tokens : null,
    data: line.data,
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
