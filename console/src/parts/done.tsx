import { App, Button } from 'antd'
import { useCallback, type ReactNode } from 'react'
import { useWords } from '@/words/words'
import { ProblemView } from './ProblemView'
import { partWords } from './words'

const PLACE = 'bottomRight'
/** Where it covers no button of a drawer or a page's head. */
const SECONDS = 12
/** How long the notice stays: long enough to read it and change one's mind. */

interface Done {
  title: ReactNode
  /** What it did, in a sentence. */
  detail?: ReactNode
  /** Takes it back, if that can be done. */
  undo?: () => Promise<unknown>
}

/** Says what a change did, with a way back. */
export function useDone(): (done: Done) => void {
  const say = useWords(partWords)
  const { notification } = App.useApp()
  return useCallback(
    ({ title, detail, undo }: Done) => {
      const key = String(Date.now())
      const back = async (work: () => Promise<unknown>) => {
        notification.destroy(key)
        try {
          await work()
          notification.success({ title: say('undone'), description: title, duration: 4, placement: PLACE })
        } catch (error) {
          notification.error({
            title: say('notUndone'),
            description: <ProblemView error={error} />,
            duration: 0,
            placement: PLACE,
          })
        }
      }
      const actions = undo && <Button onClick={() => void back(undo)}>{say('undo')}</Button>
      notification.success({
        key,
        title,
        description: detail,
        actions,
        duration: SECONDS,
        placement: PLACE,
        role: 'status',
      })
    },
    [notification, say],
  )
}
