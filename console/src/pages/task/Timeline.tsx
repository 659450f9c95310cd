import { Tooltip } from 'antd'
import type { Schemas } from '@/api/client'
import { useNow } from '@/parts/clock'
import { Duration, useDuration } from '@/parts/Duration'
import { Section } from '@/parts/PageFrame'
import { useWords } from '@/words/words'
import { phasesOf, type Phase } from './phases'
import { taskWords } from './words'

/** Where a task's time went: a bar to scale, and the same in words. */
export function Timeline({ task }: { task: Schemas['TaskDetail'] }) {
  const say = useWords(taskWords)
  const inWords = useDuration()
  const phases = phasesOf(task, useNow())
  const total = (phases.at(-1)?.to ?? 0) - (phases[0]?.from ?? 0)
  const nameOf = (phase: Phase) => say(phase.kind, { n: phase.attempt?.number ?? 0 })
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
        {phases.map((phase) => (
          <Tooltip
            key={phase.from + phase.kind}
            title={`${nameOf(phase)} · ${inWords((phase.to - phase.from) / 1000)}`}
          >
            <span className={classOf(phase)} style={{ flexGrow: Math.max(phase.to - phase.from, 1) }} />
          </Tooltip>
        ))}
      </div>
      <ol className="time-list">
        {phases.map((phase) => (
          <li key={phase.from + phase.kind}>
            <span className={classOf(phase)} aria-hidden />
            {nameOf(phase)} <Duration seconds={(phase.to - phase.from) / 1000} />
          </li>
        ))}
      </ol>
    </Section>
  )
}

function classOf({ kind, attempt }: Phase): string {
  if (kind !== 'phaseRuns') return `phase ${kind}`
  return `phase run-${attempt?.outcome ?? 'running'}`
}
