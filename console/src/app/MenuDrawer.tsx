import { Drawer } from 'antd'
import type { ReactNode } from 'react'

/** The menu of small screens; loaded when it is first opened. */
export default function MenuDrawer({
  title,
  onClose,
  children,
}: {
  title: ReactNode
  onClose: () => void
  children: ReactNode
}) {
  return (
    <Drawer placement="left" size={256} open onClose={onClose} title={title}>
      {children}
    </Drawer>
  )
}
