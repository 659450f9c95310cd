import { Button, Popconfirm, Tooltip, type ButtonProps } from 'antd'
import type { Scope } from '@/api/sessions'
import { useSession } from '@/app/session'
import { useWords } from '@/words/words'
import { partWords } from './words'

/** A button that takes a right: without it, it is disabled and says which right is missing. */
export function RightButton({ right, disabled, ...button }: ButtonProps & { right: Scope }) {
  const say = useWords(partWords)
  const { can } = useSession()
  const allowed = can(right)
  return (
    <Tooltip title={allowed ? undefined : say('needsRight', { right })}>
      <Button {...button} disabled={!allowed || disabled} />
    </Tooltip>
  )
}

interface Question {
  right: Scope
  title: string
  description: string
  onSure: () => void
}

/** A button that takes a right and asks before it acts. */
export function SureButton({ title, description, onSure, children, ...button }: Omit<ButtonProps, 'title'> & Question) {
  const { can } = useSession()
  return (
    <Popconfirm
      title={title}
      description={description}
      okText={children}
      onConfirm={onSure}
      disabled={!can(button.right)}
    >
      <RightButton {...button}>{children}</RightButton>
    </Popconfirm>
  )
}

/** Says in words which right is missing, where buttons are disabled for want of it. */
export function RightNote({ right }: { right: Scope }) {
  const say = useWords(partWords)
  const { can } = useSession()
  if (can(right)) return null
  return <p className="quiet small">{say('needsRight', { right })}</p>
}
