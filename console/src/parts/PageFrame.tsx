import { Alert, Empty, Flex, Skeleton, Typography } from 'antd'
import { useEffect, type ReactNode } from 'react'
import { useWords } from '@/words/words'
import { ProblemView } from './ProblemView'
import { partWords } from './words'

interface FrameProps {
  title: ReactNode
  /** The way here, above the title. */
  above?: ReactNode
  /** For the browser's tab, if the title is no text. */
  tab?: string
  /** One sentence below the title. */
  lead?: ReactNode
  /** Buttons at the right. */
  actions?: ReactNode
  children: ReactNode
}

/** The frame of every page: title, actions, content. */
export function PageFrame({ title, above, tab, lead, actions, children }: FrameProps) {
  const name = tab ?? (typeof title === 'string' ? title : '')
  useEffect(() => {
    document.title = name ? `${name} · Tradefree` : 'Tradefree'
  }, [name])
  return (
    <article className="page">
      <Flex className="page-head" justify="space-between" align="flex-start" gap={16} wrap>
        <div className="page-title">
          {above}
          <Typography.Title level={1}>{title}</Typography.Title>
          {lead && <Typography.Text type="secondary">{lead}</Typography.Text>}
        </div>
        {actions && (
          <Flex gap={8} wrap align="center">
            {actions}
          </Flex>
        )}
      </Flex>
      {children}
    </article>
  )
}

interface AskedProps<T> {
  /** What `useQuery` returned. */
  query: { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown }
  /** True if there is nothing to show. */
  empty?: (data: T) => boolean
  /** What to say and do then. */
  nothing?: ReactNode
  children: (data: T) => ReactNode
}

/** The states of something that was asked for: loading, failed, empty, there. An error does not hide what is there. */
export function Asked<T>({ query, empty, nothing, children }: AskedProps<T>) {
  const { data, error } = query
  return (
    <>
      {error != null && <ProblemView error={error} retry={() => void query.refetch()} />}
      {data === undefined && query.isPending && <Skeleton active paragraph={{ rows: 6 }} className="waiting" />}
      {data !== undefined && (empty?.(data) ? <Nothing>{nothing}</Nothing> : children(data))}
    </>
  )
}

/** The empty state: what would be here, and how to get it. */
export function Nothing({ children }: { children?: ReactNode }) {
  const say = useWords(partWords)
  return <Empty className="nothing" image={Empty.PRESENTED_IMAGE_SIMPLE} description={children ?? say('empty')} />
}

/** The too-many state: what is shown is not all there is. */
export function TooMany({ children }: { children?: ReactNode }) {
  const say = useWords(partWords)
  return <Alert type="info" showIcon title={say('tooMany')} description={children ?? say('tooManyAdvice')} />
}

/** A calm box with a heading. */
export function Section({ title, extra, children }: { title?: ReactNode; extra?: ReactNode; children: ReactNode }) {
  return (
    <section className="section">
      {(title || extra) && (
        <Flex justify="space-between" align="center" className="section-head" gap={8} wrap>
          <h2>{title}</h2>
          {extra}
        </Flex>
      )}
      {children}
    </section>
  )
}

/** Says in the middle of the page what happened, and what to do. */
export function Message({ title, advice, children }: { title: string; advice: string; children?: ReactNode }) {
  return (
    <div className="message">
      <h1>{title}</h1>
      <p className="quiet">{advice}</p>
      {children}
    </div>
  )
}
