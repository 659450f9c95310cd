import { Button } from 'antd'
import { Component, type ReactNode } from 'react'
import { useRouteError } from 'react-router'
import { useWords } from '@/words/words'
import { Message } from '@/parts/PageFrame'
import { partWords } from '@/parts/words'

/** Catches what a page throws: the frame stays, and the page says what happened. */
export class Broken extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null }

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error }
  }

  override render(): ReactNode {
    return this.state.error ? <Failed error={this.state.error} /> : this.props.children
  }
}

/** The same where the frame itself fails. */
export function BrokenFrame() {
  const error = useRouteError()
  return <Failed error={error instanceof Error ? error : new Error(String(error))} />
}

function Failed({ error }: { error: Error }) {
  const say = useWords(partWords)
  return (
    <Message title={say('broken')} advice={say('brokenAdvice')}>
      <pre className="json-raw">{error.message}</pre>
      <Button type="primary" onClick={() => location.reload()}>
        {say('reload')}
      </Button>
    </Message>
  )
}
