import failures from './failures.json'
import { retold } from './retell'

/** Why an attempt or a task failed. In Chinese by its code, before the words of the service where these say more. */
export function failure(code: string | null | undefined, message: string): string {
  const kind = retold(failures.before, code)
  return retold(failures.alone, code) ?? (kind ? `${kind}：${message}` : message)
}
