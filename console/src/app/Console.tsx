import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { App, ConfigProvider, Spin } from 'antd'
import type { Locale } from 'antd/es/locale'
import enUS from 'antd/es/locale/en_US'
import zhCN from 'antd/es/locale/zh_CN'
import { useEffect } from 'react'
import { createBrowserRouter, RouterProvider } from 'react-router'
import { passing } from '@/api/client'
import { INNER, PAGES } from '@/pages'
import { LiveProvider } from '@/parts/live'
import { ProblemView } from '@/parts/ProblemView'
import { Shortcuts } from '@/parts/shortcuts'
import { speak } from '@/words/language'
import { BrokenFrame } from './Broken'
import { Frame } from './Frame'
import { NotFound } from './NotFound'
import { useDark, usePreferences } from './preferences'
import { SessionProvider, useSession } from './session'
import { SignInAgain, SignInPage } from './SignIn'
import { themeOf } from './theme'

const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: (count, error) => passing(error) && count < 3, staleTime: 2000, refetchOnWindowFocus: false },
  },
})

const router = createBrowserRouter([
  {
    element: <Frame />,
    errorElement: <BrokenFrame />,
    children: [
      ...[...PAGES, ...INNER].map(({ path, show: Show }) => ({ path, element: <Show /> })),
      { path: '*', element: <NotFound /> },
    ],
  },
])

const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce

const LOCALES: Record<string, Locale> = { en: enUS, zh: zhCN }

export function Console() {
  const { language } = usePreferences()
  const dark = useDark()
  useEffect(() => speak(language), [language])
  useEffect(() => {
    document.documentElement.dataset.theme = dark ? 'dark' : 'light'
  }, [dark])
  return (
    <ConfigProvider locale={LOCALES[language]} theme={themeOf(dark)} csp={nonce ? { nonce } : undefined}>
      <App component={false}>
        <QueryClientProvider client={queries}>
          <SessionProvider
            loading={<Spin fullscreen />}
            failed={(error, retry) => (
              <div className="sign-in">
                <ProblemView error={error} retry={retry} />
              </div>
            )}
          >
            <Shortcuts>
              <Inside />
            </Shortcuts>
          </SessionProvider>
        </QueryClientProvider>
      </App>
    </ConfigProvider>
  )
}

function Inside() {
  const { session } = useSession()
  if (session === null) return <SignInPage />
  return (
    <LiveProvider>
      <RouterProvider router={router} />
      <SignInAgain />
    </LiveProvider>
  )
}
