import { Alert, Button, Flex, Typography } from 'antd'
import { ApiError } from '@/api/problem'
import { useWords } from '@/words/words'
import { CopyButton } from './CopyButton'
import { partWords } from './words'

interface Props {
  error: unknown
  retry?: () => void
}

/** What went wrong and what to do, from a problem document (RFC 9457). */
export function ProblemView({ error, retry }: Props) {
  const say = useWords(partWords)
  const { title, advice } = useMeaning(error)
  const problem = error instanceof ApiError ? error.problem : null
  return (
    <Alert
      type="error"
      showIcon
      title={title}
      action={
        retry && (
          <Button size="small" onClick={retry}>
            {say('retry')}
          </Button>
        )
      }
      description={
        <Flex vertical gap={4}>
          {advice && <span>{advice}</span>}
          {problem?.detail && problem.detail !== advice && <bdi className="free-text">{problem.detail}</bdi>}
          {!!problem?.errors?.length && (
            <ul className="plain-list">
              {problem.errors.map((one) => (
                <li key={one.field + one.reason}>
                  <code>{one.field}</code> <bdi className="free-text">{one.reason}</bdi>
                </li>
              ))}
            </ul>
          )}
          {problem?.request_id && (
            <Typography.Text type="secondary" className="small">
              {say('requestId')} <code>{problem.request_id}</code> <CopyButton text={problem.request_id} />
            </Typography.Text>
          )}
        </Flex>
      }
    />
  )
}

function useMeaning(error: unknown): { title: string; advice?: string } {
  const say = useWords(partWords)
  if (!(error instanceof ApiError)) return { title: say('broken'), advice: String(error) }
  if (error.status === 0) return { title: say('unreachable'), advice: say('unreachableAdvice') }
  if (error.status === 403) return { title: say('forbidden'), advice: say('forbiddenAdvice') }
  if (error.status === 404) return { title: say('missing'), advice: say('missingAdvice') }
  return { title: error.problem.title }
}
