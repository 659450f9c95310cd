import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import type { Kept } from './rules'
import { ruleWords } from './words'

/** On, off, or stopped by the system; and whether it is failing now. */
export function RuleState({ rule }: { rule: Kept }) {
  const say = useWords(ruleWords)
  const kind = rule.enabled ? (rule.failures > 0 ? 'failing' : 'on') : rule.disabled_reason ? 'stopped' : 'off'
  return (
    <span className={`status rule-${kind}`}>
      <span className="dot" aria-hidden />
      <span className="rule-state">
        {kind === 'failing' ? say('failing', { count: rule.failures }) : say(kind)}
        {kind === 'failing' && rule.failing && (
          <span className="small quiet">
            <SafeText text={say('failingAt', { part: rule.failing })} />
          </span>
        )}
        {kind === 'stopped' && (
          <span className="small quiet">
            <SafeText text={rule.disabled_reason} />
          </span>
        )}
      </span>
    </span>
  )
}
