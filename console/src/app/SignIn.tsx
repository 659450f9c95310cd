import icon from '@/icon.svg'
import { Alert, Button, Form, Input, Modal } from 'antd'
import { useState } from 'react'
import { ApiError } from '@/api/problem'
import { readSession } from '@/api/sessions'
import { ProblemView } from '@/parts/ProblemView'
import { useWords } from '@/words/words'
import { LanguageButton, ThemeButton } from './Choices'
import { useSession } from './session'
import { appWords } from './words'

/** The page that asks for a key. */
export function SignInPage() {
  const say = useWords(appWords)
  return (
    <main className="sign-in">
      <div className="sign-in-choices">
        <ThemeButton />
        <LanguageButton />
      </div>
      <div className="sign-in-box">
        <img src={icon} alt="" width={44} height={44} />
        <h1>
          {say('product')} <span>{say('subtitle')}</span>
        </h1>
        <p>{say('signInLead')}</p>
        <SignInForm />
      </div>
    </main>
  )
}

/** Asks again over the page that was open, so that nothing typed there is lost. */
export function SignInAgain() {
  const say = useWords(appWords)
  const { interrupted } = useSession()
  return (
    <Modal open={interrupted} title={say('sessionOver')} footer={null} closable={false} destroyOnHidden>
      <p>{say('sessionOverAdvice')}</p>
      <SignInForm />
    </Modal>
  )
}

function SignInForm() {
  const say = useWords(appWords)
  const { signIn } = useSession()
  const [error, setError] = useState<unknown>(null)
  const [lost, setLost] = useState(false)
  const [busy, setBusy] = useState(false)

  async function submit({ key }: { key: string }) {
    setBusy(true)
    setError(null)
    setLost(false)
    try {
      await signIn(key.trim())
      setLost(!(await kept()))
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }

  return (
    <Form layout="vertical" requiredMark={false} onFinish={(values: { key: string }) => void submit(values)}>
      <Form.Item
        name="key"
        label={say('apiKey')}
        extra={say('apiKeyHelp')}
        rules={[{ required: true, whitespace: true, message: say('apiKeyMissing') }]}
      >
        <Input.Password autoComplete="current-password" autoFocus size="large" placeholder="tfk_…" />
      </Form.Item>
      {error != null && <ProblemView error={error} />}
      {lost && <Alert type="warning" showIcon title={say('cookieLost')} />}
      <Button type="primary" htmlType="submit" size="large" block loading={busy}>
        {say('signIn')}
      </Button>
    </Form>
  )
}

/** Whether the cookie came back. */
async function kept(): Promise<boolean> {
  try {
    await readSession()
    return true
  } catch (error) {
    return !(error instanceof ApiError && error.status === 401)
  }
}
