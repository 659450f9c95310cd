import { LogoutOutlined, ReadOutlined, UserOutlined } from '@ant-design/icons'
import { App, Button, Dropdown } from 'antd'
import { useWords } from '@/words/words'
import { useSession } from './session'
import { appWords } from './words'

const ROLES = { viewer: 'roleViewer', operator: 'roleOperator', admin: 'roleAdmin' } as const

/** Who is signed in, and the way out. */
export function AccountMenu() {
  const say = useWords(appWords)
  const { notification } = App.useApp()
  const { session, signOut } = useSession()
  if (session === null) return null
  const leave = (everywhere: boolean) =>
    void signOut(everywhere).catch((error: Error) =>
      notification.error({ title: say('signOut'), description: error.message }),
    )
  const items = [
    { key: 'who', type: 'group' as const, label: <bdi>{say('signedInAs', { name: session.name })}</bdi> },
    { key: 'role', type: 'group' as const, label: `${say(ROLES[session.role])} · ${session.version}` },
    {
      key: 'docs',
      icon: <ReadOutlined />,
      label: (
        <a href="/docs" target="_blank" rel="noreferrer">
          {say('docs')}
        </a>
      ),
    },
    { type: 'divider' as const },
    { key: 'out', icon: <LogoutOutlined />, label: say('signOut'), onClick: () => leave(false) },
    {
      key: 'everywhere',
      icon: <LogoutOutlined />,
      danger: true,
      label: say('signOutEverywhere'),
      onClick: () => leave(true),
    },
  ]
  return (
    <Dropdown trigger={['click']} menu={{ items }} placement="bottomRight">
      <Button type="text" icon={<UserOutlined />} aria-label={`${say('account')}: ${session.name}`}>
        <bdi className="account-name">{session.name}</bdi>
      </Button>
    </Dropdown>
  )
}
