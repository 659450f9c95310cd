import type { Schemas } from '@/api/client'
import { SafeText } from '@/parts/SafeText'
import ceilings from './ceilings.json'
import { useRetold } from './retell'

/** Why a ceiling moved last. */
export function CeilingReason({ ceiling }: { ceiling: Schemas['CeilingDocument'] }) {
  const retold = useRetold()
  return <SafeText text={retold(ceilings, ceiling.cause, { calls: ceiling.calls }) ?? ceiling.reason} />
}
