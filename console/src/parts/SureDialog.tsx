import { Modal } from 'antd'
import type { ReactNode } from 'react'
import { ProblemView } from './ProblemView'

interface Props {
  title: ReactNode
  /** What its dangerous button says. */
  act: string
  move: { mutate: () => void; isPending: boolean; isError: boolean; error: unknown }
  close: () => void
  children: ReactNode
}

/** Asks before something that cannot be undone, and stays while it fails. */
export function SureDialog({ title, act, move, close, children }: Props) {
  return (
    <Modal
      open
      title={title}
      okText={act}
      okButtonProps={{ danger: true }}
      confirmLoading={move.isPending}
      onOk={() => move.mutate()}
      onCancel={close}
    >
      {children}
      {move.isError && <ProblemView error={move.error} />}
    </Modal>
  )
}
