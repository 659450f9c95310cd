import { useQuery } from '@tanstack/react-query'
import { Tooltip } from 'antd'
import { answer, api, type Schemas } from '@/api/client'
import { useNow } from '@/parts/clock'
import { Duration, useDuration } from '@/parts/Duration'
import { Section } from '@/parts/PageFrame'
import { useWords } from '@/words/words'
import { HoldTag } from './HoldTag'
import { phasesOf, piecesOf, totalsOf, type Phase, type Piece } from './phases'
import { taskWords } from './words'

const DRAWN = 200
/** Pieces of one wait that are drawn each by itself. */

/** Where a task's time went, with waits split by what held it: a bar to scale, and the same in words. */
export function Timeline({ task }: { task: Schemas['TaskDetail'] }) {
  const say = useWords(taskWords)
  const inWords = useDuration()
  const waits = useWaits(task)
  const phases = phasesOf(task, useNow()).map((phase) => ({ ...phase, pieces: piecesOf(phase, waits) }))
  const total = (phases.at(-1)?.to ?? 0) - (phases[0]?.from ?? 0)
  const nameOf = ({ kind, attempt, pieces }: (typeof phases)[number]) =>
    kind === 'phaseWaits' && pieces.length > 0 ? say('phaseHeld') : say(kind, { n: attempt?.number ?? 0 })
  const told = ({ from, to }: { from: number; to: number }, name: string) => `${name} · ${inWords((to - from) / 1000)}`
  return (
    <Section
      title={say('timeline')}
      extra={
        <span className="quiet">
          <Duration seconds={total / 1000} /> {say('total')}
        </span>
      }
    >
      <div className="time-bar" aria-hidden>
        {phases.flatMap((phase) =>
          phase.pieces.length > 0 && phase.pieces.length <= DRAWN
            ? phase.pieces.map((piece) => (
                <Bar key={piece.from} className={classOfPiece(piece)} title={told(piece, piece.scope)} of={piece} />
              ))
            : [
                <Bar
                  key={phase.from + phase.kind}
                  className={classOf(phase)}
                  title={told(phase, nameOf(phase))}
                  of={phase}
                />,
              ],
        )}
      </div>
      <ol className="time-list">
        {phases.map((phase) => (
          <li key={phase.from + phase.kind}>
            <span className={classOf(phase)} aria-hidden />
            {nameOf(phase)} <Duration seconds={(phase.to - phase.from) / 1000} />
          </li>
        ))}
      </ol>
      <Held pieces={phases.flatMap(({ pieces }) => pieces)} />
    </Section>
  )
}

/** What the waits were for, the longest first. */
function Held({ pieces }: { pieces: readonly Piece[] }) {
  const say = useWords(taskWords)
  if (pieces.length === 0) return null
  return (
    <>
      <h3 className="held-title">{say('waitedFor')}</h3>
      <ul className="holds">
        {totalsOf(pieces).map((total) => (
          <li key={total.kind + total.scope}>
            <HoldTag hold={total} /> <Duration seconds={total.seconds} />
          </li>
        ))}
      </ul>
    </>
  )
}

function Bar({
  className,
  title,
  of: { from, to },
}: {
  className: string
  title: string
  of: { from: number; to: number }
}) {
  return (
    <Tooltip title={title}>
      <span className={className} style={{ flexGrow: Math.max(to - from, 1) }} />
    </Tooltip>
  )
}

/** What the task waited for so far; read anew whenever it has moved. */
function useWaits(task: Schemas['TaskDetail']): readonly Schemas['PieceDocument'][] {
  const waits = useQuery({
    queryKey: ['task', task.id, 'waits', task.updated_at],
    queryFn: ({ signal }) =>
      answer(api.GET('/api/v1/tasks/{task_id}/waits', { params: { path: { task_id: task.id } }, signal })),
    placeholderData: (before) => before,
  })
  return waits.data?.items ?? []
}

function classOf({ kind, attempt }: Phase): string {
  if (kind !== 'phaseRuns') return `phase ${kind}`
  return `phase run-${attempt?.outcome ?? 'running'}`
}

function classOfPiece({ kind }: Piece): string {
  return `phase ${kind === 'turn' ? 'phaseWaits' : kind === 'later' ? 'phaseScheduled' : 'phaseHeld'}`
}
