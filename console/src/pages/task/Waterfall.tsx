import { Segmented, Tooltip } from 'antd'
import { useMemo, useState } from 'react'
import type { Schemas } from '@/api/client'
import { useNow } from '@/parts/clock'
import { Duration, useDuration } from '@/parts/Duration'
import { JsonView } from '@/parts/JsonView'
import { useNumbers } from '@/parts/numbers'
import { Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { spanOf, stepsOf, type Step } from './steps'
import { taskWords } from './words'

const MOST = 300
/** Steps that are drawn; a loop may have thousands. */

interface Props {
  lines: readonly Schemas['LogDocument'][]
  attempts: Schemas['AttemptDocument'][]
}

/** The nodes of a run side by side in time, with seconds and tokens; a click shows what a node got and gave. */
export function Waterfall({ lines, attempts }: Props) {
  const say = useWords(taskWords)
  const [chosen, setChosen] = useState<number | null>(null)
  const withSteps = useMemo(
    () => attempts.map(({ number }) => number).filter((number) => stepsOf(lines, number).length > 0),
    [attempts, lines],
  )
  const number = chosen ?? withSteps.at(-1)
  const steps = useMemo(() => (number === undefined ? [] : stepsOf(lines, number)), [lines, number])
  if (number === undefined) return null
  const attempt = attempts.find((one) => one.number === number)
  const options = withSteps.map((n) => ({ value: n, label: say('attemptN', { n }) }))
  const choice = <Segmented size="small" options={options} value={number} onChange={setChosen} />
  return (
    <Section title={say('steps')} extra={withSteps.length > 1 && choice}>
      <Bars key={number} steps={steps.slice(0, MOST)} attempt={attempt} />
    </Section>
  )
}

function Bars({ steps, attempt }: { steps: Step[]; attempt: Schemas['AttemptDocument'] | undefined }) {
  const [open, setOpen] = useState<number | null>(null)
  const now = useNow()
  const ended = attempt?.finished_at
  const runs = ended == null
  const span = spanOf(steps, runs ? now : Date.parse(ended))
  return (
    <ol className="steps">
      {steps.map((step) => (
        <li key={step.key}>
          <Bar
            step={step}
            span={span}
            runs={runs}
            open={open === step.key}
            onToggle={() => setOpen(open === step.key ? null : step.key)}
          />
          {open === step.key && <JsonView value={step.data} />}
        </li>
      ))}
    </ol>
  )
}

interface BarProps {
  step: Step
  span: { from: number; to: number }
  runs: boolean
  open: boolean
  onToggle: () => void
}

function Bar({ step, span, runs, open, onToggle }: BarProps) {
  const say = useWords(taskWords)
  const numbers = useNumbers()
  const inWords = useDuration()
  const end = step.to ?? span.to
  const all = span.to - span.from
  const left = ((step.from - span.from) / all) * 100
  const state = step.failed ? say('stepFailed') : step.to === null && runs ? say('stepRunning') : ''
  const tone = step.failed ? 'bad' : step.to === null ? (runs ? 'busy' : 'cut') : 'good'
  return (
    <button type="button" className="step" aria-expanded={open} onClick={onToggle}>
      <span className="step-name">
        <SafeText text={step.title} /> <span className="quiet">{step.type}</span>
      </span>
      <Tooltip title={`${inWords((end - step.from) / 1000)} ${state}`}>
        <span className="step-track">
          <span
            className={`step-bar step-${tone}`}
            style={{ left: `${left}%`, width: `${((end - step.from) / all) * 100}%` }}
          />
        </span>
      </Tooltip>
      <span className="step-number number">
        {state && tone !== 'good' ? <span className={`step-word-${tone}`}>{state}</span> : null}{' '}
        {(step.to !== null || runs) && <Duration seconds={(end - step.from) / 1000} />}
      </span>
      <span className="step-number number quiet">
        {step.tokens === null ? '' : `${numbers.whole(step.tokens)} ${say('tokens')}`}
      </span>
    </button>
  )
}
