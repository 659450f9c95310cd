import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Alert } from 'antd'
import { answer, api, type Schemas } from '@/api/client'
import { useSession } from '@/app/session'
import { useDone } from '@/parts/done'
import { SureDialog } from '@/parts/SureDialog'
import { useWords } from '@/words/words'
import { keyWords } from './words'

/** Asks, and revokes a key. */
export function Revoke({ apiKey, close }: { apiKey: Schemas['KeyDocument']; close: () => void }) {
  const say = useWords(keyWords)
  const done = useDone()
  const queries = useQueryClient()
  const { session } = useSession()
  const { id, name } = apiKey
  const revoke = useMutation({
    mutationFn: () => answer(api.DELETE('/api/v1/api-keys/{key_id}', { params: { path: { key_id: id } } })),
    onSuccess: async () => {
      close()
      done({ title: say('didRevoke', { name }) })
      await queries.invalidateQueries({ queryKey: ['api-keys'] })
    },
  })
  return (
    <SureDialog title={say('revokeTitle', { name })} act={say('revoke')} move={revoke} close={close}>
      <p>{say('revokeDoes')}</p>
      {id === session?.key_id && <Alert type="warning" showIcon title={say('revokeOwn')} />}
    </SureDialog>
  )
}
