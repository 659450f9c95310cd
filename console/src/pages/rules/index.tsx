import { PlusOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Switch, Tooltip } from 'antd'
import { Link, useNavigate } from 'react-router'
import { answer, api } from '@/api/client'
import { useSession } from '@/app/session'
import type { Column } from '@/parts/DataTable'
import { ListTable } from '@/parts/ListTable'
import { Moment } from '@/parts/Moment'
import { Asked, PageFrame } from '@/parts/PageFrame'
import { ProblemView } from '@/parts/ProblemView'
import { RightButton } from '@/parts/RightButton'
import { SafeText } from '@/parts/SafeText'
import { useWords } from '@/words/words'
import { RuleState } from './RuleState'
import { useSwitch, type Kept } from './rules'
import { ruleWords } from './words'
import './rules.css'

const LOOK = 10_000
/** Milliseconds between looks: a rule that always fails stops by itself. */

export default function RulesPage() {
  const say = useWords(ruleWords)
  const navigate = useNavigate()
  const rules = useQuery({
    queryKey: ['triggers'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/triggers', { signal })),
    refetchInterval: LOOK,
  })
  return (
    <PageFrame
      title={say('title')}
      lead={say('lead')}
      actions={
        <RightButton
          right="definitions:write"
          type="primary"
          icon={<PlusOutlined />}
          onClick={() => void navigate('/rules/+new')}
        >
          {say('newRule')}
        </RightButton>
      }
    >
      <Asked query={rules} empty={({ items }) => items.length === 0} nothing={say('nothing')}>
        {({ items }) => <RuleTable rules={items} />}
      </Asked>
    </PageFrame>
  )
}

function RuleTable({ rules }: { rules: Kept[] }) {
  const say = useWords(ruleWords)
  const navigate = useNavigate()
  const { can } = useSession()
  const turn = useSwitch()
  const writes = can('definitions:write')
  const columns: Column<Kept>[] = [
    {
      title: say('name'),
      key: 'name',
      show: (rule) => (
        <>
          <Link to={`/rules/${rule.name}`}>{rule.name}</Link>
          {rule.description && (
            <div className="quiet small">
              <SafeText text={rule.description} />
            </div>
          )}
        </>
      ),
    },
    {
      title: say('whenEvent'),
      key: 'event',
      show: (rule) => (
        <>
          <Link to={`/events?type=${encodeURIComponent(rule.event)}`}>
            <SafeText text={rule.event} />
          </Link>
          {rule.filter && (
            <div>
              <code className="free-text quiet">{rule.filter}</code>
            </div>
          )}
        </>
      ),
    },
    { title: say('taskType'), key: 'type', width: 170, show: (rule) => rule.task_type },
    { title: say('state'), key: 'state', width: 170, show: (rule) => <RuleState rule={rule} /> },
    { title: say('changed'), key: 'changed', width: 110, show: (rule) => <Moment at={rule.updated_at} /> },
    {
      title: say('enabled'),
      key: 'enabled',
      width: 84,
      show: (rule) => (
        <Tooltip title={writes ? undefined : 'definitions:write'}>
          <Switch
            size="small"
            checked={rule.enabled}
            disabled={!writes || turn.isPending}
            aria-label={`${say('enabled')}: ${rule.name}`}
            onChange={(enabled) => turn.mutate({ name: rule.name, enabled })}
          />
        </Tooltip>
      ),
    },
  ]
  return (
    <>
      {turn.isError && <ProblemView error={turn.error} />}
      <ListTable
        rows={rules}
        idOf={({ name }) => name}
        columns={columns}
        least={1000}
        onOpen={({ name }) => void navigate(`/rules/${name}`)}
      />
    </>
  )
}
