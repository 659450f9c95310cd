import holds from '@/retold/holds.json'
import { useRetold } from '@/retold/retell'
import { SafeText } from './SafeText'

interface Hold {
  readonly kind: string
  readonly scope: string
  readonly message: string
  readonly by?: string | null
  readonly reason?: string | null
  readonly in_use?: number | null
  readonly places?: number | null
}

/** Why a task does not start, as a sentence. */
export function HoldSentence({ hold }: { hold: Hold }) {
  const retold = useRetold()
  return <SafeText text={retold(holds, hold.kind, { ...hold }) ?? hold.message} />
}
