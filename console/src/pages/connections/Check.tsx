import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Flex } from 'antd'
import { answer, api, type Schemas } from '@/api/client'
import { Moment } from '@/parts/Moment'
import { ProblemView } from '@/parts/ProblemView'
import { RightButton } from '@/parts/RightButton'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { connectionWords } from './words'

type Report = Schemas['Report']

const CHECKS: Record<string, 'checkAddress' | 'checkKey' | 'checkApp' | 'checkPublished' | 'checkForm'> = {
  address: 'checkAddress',
  key: 'checkKey',
  app: 'checkApp',
  published: 'checkPublished',
  form: 'checkForm',
}
const STYLES = { ok: 'check-ok', warning: 'check-warning', failed: 'check-failed', skipped: 'check-skipped' } as const

/** Looks whether the endpoint suits those who use it. */
export function Check({ name }: { name: string }) {
  const say = useWords(connectionWords)
  const queries = useQueryClient()
  const check = useMutation({
    mutationFn: async () => {
      const report = await answer(api.POST('/api/v1/connections/{name}/check', { params: { path: { name } } }))
      return { report, at: new Date().toISOString() }
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['task-types'] }), // their schemas may be others now
  })
  return (
    <section>
      <h2>{say('check')}</h2>
      <p className="quiet">{say('checkDoes')}</p>
      <RightButton
        right="definitions:write"
        type="primary"
        className="check-button"
        loading={check.isPending}
        onClick={() => check.mutate()}
      >
        {say('check')}
      </RightButton>
      {check.isError && <ProblemView error={check.error} />}
      <div role="status">
        {check.data && (
          <>
            <p className={check.data.report.ok ? 'check-ok' : 'check-failed'}>
              <strong>{say(check.data.report.ok ? 'allWell' : 'somethingWrong')}</strong>{' '}
              <span className="quiet">
                {say('checked')} <Moment at={check.data.at} />
              </span>
            </p>
            <Findings report={check.data.report} />
          </>
        )}
      </div>
    </section>
  )
}

function Findings({ report }: { report: Report }) {
  const say = useWords(connectionWords)
  return (
    <>
      <ul className="checks">
        {report.checks.map((one) => (
          <li key={one.check}>
            <Flex justify="space-between" gap={8}>
              <strong>{one.check in CHECKS ? say(CHECKS[one.check] ?? 'check') : one.check}</strong>
              <span className={STYLES[one.status]}>{say(one.status)}</span>
            </Flex>
            <SafeText text={one.detail} />
            {one.advice && (
              <p className="check-advice">
                <SafeText text={one.advice} />
              </p>
            )}
          </li>
        ))}
      </ul>
      {report.app && (
        <p className="quiet">
          {say('app')}: <SafeText text={[report.app, report.mode, report.server_version].filter(Boolean).join(' · ')} />
        </p>
      )}
    </>
  )
}
