import { DeleteOutlined } from '@ant-design/icons'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Breadcrumb, Switch, Tabs } from 'antd'
import { Link, useNavigate, useParams } from 'react-router'
import { answer, api } from '@/api/client'
import { useSession } from '@/app/session'
import { useDone } from '@/parts/done'
import { Asked, PageFrame } from '@/parts/PageFrame'
import { ProblemView } from '@/parts/ProblemView'
import { SureButton } from '@/parts/RightButton'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { Decisions } from './Decisions'
import { RuleEditor } from './RuleEditor'
import { RuleState } from './RuleState'
import { definitionOf, deleteRule, putRule, useRulesChanged, useSwitch, type Kept } from './rules'
import { Versions } from './Versions'
import { ruleWords } from './words'
import './rules.css'

/** One rule: its definition with a try on past events, what it decided, its versions; without a name, a new one. */
export default function RulePage() {
  const { name } = useParams()
  return name === undefined ? <NewRule /> : <KnownRule key={name} name={name} />
}

function NewRule() {
  const say = useWords(ruleWords)
  return (
    <PageFrame above={<Way name={say('newRule')} />} title={say('newRule')} lead={say('lead')}>
      <RuleEditor kept={null} />
    </PageFrame>
  )
}

function Way({ name }: { name: string }) {
  const say = useWords(ruleWords)
  return <Breadcrumb items={[{ title: <Link to="/rules">{say('title')}</Link> }, { title: name }]} />
}

function KnownRule({ name }: { name: string }) {
  const say = useWords(ruleWords)
  const url = useUrlState()
  const rule = useQuery({
    queryKey: ['triggers', name],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/triggers/{name}', { params: { path: { name } }, signal })),
  })
  const tabs = (kept: Kept) => [
    { key: 'rule', label: say('tabRule'), children: <RuleEditor kept={kept} /> },
    { key: 'decisions', label: say('tabDecisions'), children: <Decisions name={name} /> },
    { key: 'versions', label: say('tabVersions'), children: <Versions kept={kept} /> },
  ]
  return (
    <PageFrame
      above={<Way name={name} />}
      title={name}
      lead={rule.data && <RuleState rule={rule.data} />}
      actions={rule.data && <Actions rule={rule.data} />}
    >
      <Asked query={rule}>
        {(kept) => (
          <Tabs
            activeKey={url.one('tab') ?? 'rule'}
            onChange={(tab) => url.set({ tab: tab === 'rule' ? null : tab }, { replace: true })}
            items={tabs(kept)}
            destroyOnHidden={false}
          />
        )}
      </Asked>
    </PageFrame>
  )
}

function Actions({ rule }: { rule: Kept }) {
  const say = useWords(ruleWords)
  const navigate = useNavigate()
  const { can } = useSession()
  const done = useDone()
  const changed = useRulesChanged()
  const turn = useSwitch()
  const remove = useMutation({
    mutationFn: () => deleteRule(rule.name, rule.version),
    onSuccess: async () => {
      void navigate('/rules')
      await changed()
      done({
        title: say('removed', { name: rule.name }),
        undo: async () => {
          await putRule(definitionOf(rule), null)
          await changed()
        },
      })
    },
  })
  const failed = remove.error ?? turn.error
  return (
    <>
      {failed && <ProblemView error={failed} />}
      <Switch
        checked={rule.enabled}
        disabled={!can('definitions:write') || turn.isPending}
        aria-label={say('enabled')}
        checkedChildren={say('on')}
        unCheckedChildren={say('off')}
        onChange={(enabled) => turn.mutate({ name: rule.name, enabled })}
      />
      <SureButton
        right="definitions:write"
        title={say('removeTitle', { name: rule.name })}
        description={say('removeDetail')}
        onSure={() => remove.mutate()}
        danger
        icon={<DeleteOutlined />}
        loading={remove.isPending}
      >
        {say('remove')}
      </SureButton>
    </>
  )
}
