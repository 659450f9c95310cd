import { useMutation, useQueryClient } from '@tanstack/react-query'
import { answer, api, type Schemas } from '@/api/client'
import { useDone } from '@/parts/done'
import { SureDialog } from '@/parts/SureDialog'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { workerWords } from './words'

/** Asks, and lets a worker finish and end. */
export function Drain({ worker, close }: { worker: Schemas['WorkerDocument']; close: () => void }) {
  const say = useWords(workerWords)
  const done = useDone()
  const queries = useQueryClient()
  const drain = useMutation({
    mutationFn: () =>
      answer(api.POST('/api/v1/workers/{worker_id}/drain', { params: { path: { worker_id: worker.id } } })),
    onSuccess: async ({ name, in_flight: count }) => {
      close()
      done({ title: say('didDrain', { name }), detail: say('finishes', { count }) })
      await queries.invalidateQueries({ queryKey: ['workers'] })
    },
  })
  return (
    <SureDialog
      title={<SafeText text={say('drainTitle', { name: worker.name })} />}
      act={say('drain')}
      move={drain}
      close={close}
    >
      <ul className="plain-list">
        <li>{say('drainTakes')}</li>
        <li>{say('finishes', { count: worker.in_flight })}</li>
        <li>{say('drainEnds')}</li>
      </ul>
    </SureDialog>
  )
}
