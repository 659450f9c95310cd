import { useMutation, useQuery } from '@tanstack/react-query'
import { Alert, Flex, Modal, Skeleton } from 'antd'
import { answer, api } from '@/api/client'
import { ApiError } from '@/api/problem'
import { useSession } from '@/app/session'
import { Differences } from '@/parts/Differences'
import { differences } from '@/parts/differences'
import { useDone } from '@/parts/done'
import { ProblemView } from '@/parts/ProblemView'
import { useWords } from '@/words/words'
import { said, type Trigger } from './draft'
import { preview } from './preview'
import { PreviewSum } from './PreviewView'
import { definitionOf, deleteRule, putRule, useRulesChanged, type Kept } from './rules'
import { ruleWords } from './words'

interface Props {
  /** What is stored now; null: nothing of that name. */
  kept: Kept | null
  rule: Trigger
  onSaved: (kept: Kept) => void
  onClose: () => void
  onError?: (error: unknown) => void
}

/** Shows what a change of a rule will do, does it, and offers the way back. */
export function SaveRule({ kept, rule, onSaved, onClose, onError }: Props) {
  const say = useWords(ruleWords)
  const done = useDone()
  const changed = useRulesChanged()
  const newest = useNewest(kept)
  const save = useMutation({
    mutationFn: () => putRule(rule, newest.kept?.version ?? null),
    onSuccess: async (saved) => {
      await changed()
      done({
        title: say('saved', { name: saved.name, version: saved.version }),
        detail: say('savedDetail'),
        undo: async () => {
          await (newest.kept
            ? putRule(definitionOf(newest.kept), saved.version)
            : deleteRule(saved.name, saved.version))
          await changed()
        },
      })
      onSaved(saved)
    },
    onError: (error) => {
      if (isStale(error)) newest.reload()
      onError?.(error)
    },
  })
  const stale = isStale(save.error)
  const before = newest.kept && definitionOf(newest.kept)
  return (
    <Modal
      open
      width={680}
      title={say(kept ? 'changeTitle' : 'newTitle')}
      okText={say('saveNow')}
      okButtonProps={{ disabled: before !== null && differences(before, rule).length === 0 }}
      confirmLoading={save.isPending}
      onOk={() => save.mutate()}
      onCancel={onClose}
    >
      <Flex vertical gap={14}>
        {stale && <Alert type="warning" showIcon title={say('staleTitle')} description={say('staleAdvice')} />}
        {save.isError && !stale && <ProblemView error={save.error} />}
        <Differences before={before} after={before ? rule : said(rule)} />
        <Consequence rule={rule} />
      </Flex>
    </Modal>
  )
}

function isStale(error: unknown): boolean {
  return error instanceof ApiError && error.status === 412
}

/** What is stored: as it was seen, until somebody else is known to have changed it. */
function useNewest(kept: Kept | null) {
  const name = kept?.name ?? ''
  const again = useQuery({
    queryKey: ['triggers', name, 'newest'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/triggers/{name}', { params: { path: { name } }, signal })),
    enabled: false,
    gcTime: 0,
  })
  const found = again.data && again.data.version > (kept?.version ?? 0) ? again.data : kept
  return { kept: found, reload: () => void (kept && again.refetch()) }
}

function Consequence({ rule }: { rule: Trigger }) {
  const say = useWords(ruleWords)
  const { can } = useSession()
  const right = 'events:read'
  const trial = useQuery({
    queryKey: ['preview', rule],
    queryFn: () => preview(rule, '24h', 1000, 0),
    enabled: can(right),
    retry: false,
  })
  if (!can(right)) return <p className="quiet">{say('previewNeeds', { right })}</p>
  return (
    <div>
      <h3 className="small quiet">{say('previewToday')}</h3>
      {trial.isPending && <Skeleton active paragraph={{ rows: 2 }} title={false} />}
      {trial.isError && <ProblemView error={trial.error} />}
      {trial.data && (trial.data.seen ? <PreviewSum found={trial.data} /> : <p>{say('seenNone')}</p>)}
    </div>
  )
}
