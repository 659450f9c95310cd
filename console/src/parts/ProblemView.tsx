import { Alert, Button, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { ApiError, reasonOf, type Problem } from '@/api/problem'
import problems from '@/retold/problems.json'
import { useRetold } from '@/retold/retell'
import { useWords } from '@/words/words'
import { CopyButton } from './CopyButton'
import { partWords } from './words'

const KINDS = 'urn:tradefree:problem:'

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
          {problem && (problem.errors?.length ? <Reasons errors={problem.errors} /> : <Detail problem={problem} />)}
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

/** What is wrong this time. In another language: with the service's own words below, if it has no others. */
function Detail({ problem: { detail, code, facts } }: { problem: Problem }) {
  const retold = useRetold()
  const { i18n } = useTranslation()
  if (!detail) return null
  const said = retold(problems.details, code, facts)
  return <bdi className={said || i18n.language === 'en' ? 'free-text' : 'free-text quiet small'}>{said ?? detail}</bdi>
}

/** The same for each value; `detail` only says it once more. */
function Reasons({ errors }: { errors: NonNullable<Problem['errors']> }) {
  return (
    <ul className="plain-list">
      {errors.map((one) => (
        <li key={one.field + one.reason}>
          <code>{one.field}</code> <bdi className="free-text">{reasonOf(one)}</bdi>
        </li>
      ))}
    </ul>
  )
}

function useMeaning(error: unknown): { title: string; advice?: string } {
  const say = useWords(partWords)
  const retold = useRetold()
  if (!(error instanceof ApiError)) return { title: say('broken'), advice: String(error) }
  if (error.status === 0) return { title: say('unreachable'), advice: say('unreachableAdvice') }
  if (error.status === 403) return { title: say('forbidden'), advice: say('forbiddenAdvice') }
  if (error.status === 404) return { title: say('missing'), advice: say('missingAdvice') }
  const kind = kindOf(error.problem)
  return { title: retold(problems.titles, kind) ?? error.problem.title, advice: retold(problems.advice, kind) }
}

/** The kind of a problem: the last word of its type; of an answer that is no problem document, its status. */
function kindOf({ type, status }: Problem): string {
  return type.startsWith(KINDS) ? type.slice(KINDS.length) : `http-${status}`
}
