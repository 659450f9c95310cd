import icon from '@/icon.svg'
import { MenuOutlined, MenuFoldOutlined, MenuUnfoldOutlined } from '@ant-design/icons'
import { Button, Layout, Menu, Skeleton } from 'antd'
import { lazy, Suspense, useState } from 'react'
import { Link, Outlet, useLocation, useNavigate } from 'react-router'
import { PAGES, pageWords, type Group, type Page } from '@/pages'
import { LiveDot } from '@/parts/live'
import { useShortcuts } from '@/parts/shortcuts'
import { useWords } from '@/words/words'
import { AccountMenu } from './AccountMenu'
import { Broken } from './Broken'
import { LanguageButton, ThemeButton } from './Choices'
import { setPreferences, usePreferences } from './preferences'
import { SearchBox, focusSearch } from './SearchBox'
import { useSession } from './session'
import { appWords } from './words'

const MenuDrawer = lazy(() => import('./MenuDrawer'))

const GROUPS: readonly Group[] = ['groupWatch', 'groupControl', 'groupConnect', 'groupManage']

/** What is around every page: menu, search, choices. */
export function Frame() {
  const say = useWords(appWords)
  const sayPage = useWords(pageWords)
  const navigate = useNavigate()
  const pages = useOpenPages()
  const { narrow } = usePreferences()
  const [drawer, setDrawer] = useState(false)
  const { pathname } = useLocation()
  useShortcuts([
    { keys: '/', label: say('focusSearch'), run: focusSearch },
    ...pages.map((page) => ({
      keys: `g ${page.key}`,
      label: say('goTo', { page: sayPage(page.name) }),
      run: () => void navigate(page.path),
    })),
  ])
  return (
    <Layout className="frame">
      <a className="skip" href="#content">
        {say('skip')}
      </a>
      <Layout.Sider className="side" width={216} collapsedWidth={64} collapsed={narrow} theme="light">
        <Brand short={narrow} />
        <nav aria-label={say('menu')}>
          <PageMenu pages={pages} narrow={narrow} />
        </nav>
        <Button
          type="text"
          className="fold"
          icon={narrow ? <MenuUnfoldOutlined /> : <MenuFoldOutlined />}
          aria-label={say(narrow ? 'expand' : 'collapse')}
          onClick={() => setPreferences({ narrow: !narrow })}
        />
      </Layout.Sider>
      {drawer && (
        <Suspense>
          <MenuDrawer title={<Brand />} onClose={() => setDrawer(false)}>
            <PageMenu pages={pages} onChosen={() => setDrawer(false)} />
          </MenuDrawer>
        </Suspense>
      )}
      <Layout>
        <Layout.Header className="head">
          <Button
            type="text"
            className="menu-button"
            icon={<MenuOutlined />}
            aria-label={say('menu')}
            onClick={() => setDrawer(true)}
          />
          <SearchBox />
          <LiveDot />
          <ThemeButton />
          <LanguageButton />
          <AccountMenu />
        </Layout.Header>
        <Layout.Content id="content" tabIndex={-1} role="main">
          <Broken key={pathname}>
            <Suspense fallback={<Skeleton active className="waiting" />}>
              <Outlet />
            </Suspense>
          </Broken>
        </Layout.Content>
      </Layout>
    </Layout>
  )
}

function useOpenPages(): Page[] {
  const { can } = useSession()
  return PAGES.filter((page) => can(page.scope))
}

function Brand({ short }: { short?: boolean }) {
  const say = useWords(appWords)
  return (
    <Link to="/" className="brand" aria-label={say('product')}>
      <img src={icon} alt="" width={26} height={26} />
      {!short && <strong>{say('product')}</strong>}
    </Link>
  )
}

function PageMenu({ pages, narrow, onChosen }: { pages: Page[]; narrow?: boolean; onChosen?: () => void }) {
  const say = useWords(appWords)
  const sayPage = useWords(pageWords)
  const { pathname } = useLocation()
  const here =
    pages.find(({ path }) => path !== '/' && pathname.startsWith(path)) ?? pages.find(({ path }) => path === pathname)
  const items = GROUPS.flatMap((group) => {
    const children = pages
      .filter((page) => page.group === group)
      .map(({ name, path, icon }) => ({ key: path, icon, label: <Link to={path}>{sayPage(name)}</Link> }))
    return children.length ? [{ type: 'group' as const, key: group, label: say(group), children }] : []
  })
  return (
    <Menu
      mode="inline"
      inlineCollapsed={narrow}
      selectedKeys={here ? [here.path] : []}
      items={items}
      onClick={onChosen}
      className="page-menu"
    />
  )
}
