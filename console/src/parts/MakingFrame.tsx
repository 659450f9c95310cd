import { PlusOutlined } from '@ant-design/icons'
import { useState, type ComponentProps, type ReactNode } from 'react'
import type { Scope } from '@/api/sessions'
import { PageFrame } from './PageFrame'
import { RightButton } from './RightButton'

interface Props extends ComponentProps<typeof PageFrame> {
  right: Scope
  /** What the button says that opens the form. */
  make: string
  form: (close: () => void) => ReactNode
}

/** The frame of a page of things of which one can make more: its last button opens the form for a new one. */
export function MakingFrame({ right, make, form, actions, children, ...frame }: Props) {
  const [making, setMaking] = useState(false)
  const buttons = (
    <>
      {actions}
      <RightButton right={right} type="primary" icon={<PlusOutlined />} onClick={() => setMaking(true)}>
        {make}
      </RightButton>
    </>
  )
  return (
    <PageFrame {...frame} actions={buttons}>
      {children}
      {making && form(() => setMaking(false))}
    </PageFrame>
  )
}
