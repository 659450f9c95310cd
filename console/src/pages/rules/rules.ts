import { useMutation, useQueryClient } from '@tanstack/react-query'
import { answer, api, type Schemas } from '@/api/client'
import { useDone } from '@/parts/done'
import { useWords } from '@/words/words'
import type { Trigger } from './draft'
import { ruleWords } from './words'

export type Kept = Schemas['TriggerDocument']

/** Stores a rule, if what is stored is still `version`; null: if there is none. */
export function putRule(rule: Trigger, version: number | null): Promise<Kept> {
  const header = version === null ? { 'If-None-Match': '*' } : { 'If-Match': `"${version}"` }
  const params = { path: { name: rule.name }, header }
  return answer(api.PUT('/api/v1/triggers/{name}', { params, body: rule }))
}

export function deleteRule(name: string, version: number): Promise<unknown> {
  const params = { path: { name }, header: { 'If-Match': `"${version}"` } }
  return answer(api.DELETE('/api/v1/triggers/{name}', { params }))
}

/** The definition alone, as it can be stored again. */
export function definitionOf(kept: Trigger): Trigger {
  const { name, description, event, filter, task_type, input, key, priority, delay, labels, enabled } = kept
  return { name, description, event, filter, task_type, input, key, priority, delay, labels, enabled }
}

/** Lists and pages of rules are read again. */
export function useRulesChanged(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: ['triggers'] })
}

/** Switches a rule on or off, and says so, with a way back. */
export function useSwitch() {
  const say = useWords(ruleWords)
  const done = useDone()
  const changed = useRulesChanged()
  const put = async ({ name, enabled }: { name: string; enabled: boolean }) => {
    const kept = await answer(
      api.PUT('/api/v1/triggers/{name}/enabled', { params: { path: { name } }, body: { enabled } }),
    )
    await changed()
    return kept
  }
  return useMutation({
    mutationFn: put,
    onSuccess: (_, { name, enabled }) =>
      done({
        title: say(enabled ? 'switchedOn' : 'switchedOff', { name }),
        undo: () => put({ name, enabled: !enabled }),
      }),
  })
}
