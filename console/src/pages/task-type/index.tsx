import { LeftOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Tabs } from 'antd'
import { Link, useParams } from 'react-router'
import { answer, api, type Schemas } from '@/api/client'
import { CopyButton } from '@/parts/CopyButton'
import { Asked, PageFrame } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { Definition } from './Definition'
import { Facts } from './Facts'
import { Now } from './Now'
import { Statistics } from './Statistics'
import { TestRun } from './TestRun'
import { typeWords } from './words'
import './page.css'

export default function TaskTypePage() {
  const say = useWords(typeWords)
  const { name = '' } = useParams()
  const type = useQuery({
    queryKey: ['task-types', name],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/task-types/{name}', { params: { path: { name } }, signal })),
  })
  return (
    <PageFrame
      title={
        <>
          {name} <CopyButton text={name} />
        </>
      }
      tab={name}
      lead={type.data?.description && <SafeText text={type.data.description} />}
      actions={
        <Link to="/task-types">
          <LeftOutlined /> {say('back')}
        </Link>
      }
    >
      <Asked query={type}>{(found) => <Parts key={found.name} type={found} />}</Asked>
    </PageFrame>
  )
}

function Parts({ type }: { type: Schemas['TaskType'] }) {
  const say = useWords(typeWords)
  const url = useUrlState()
  const facts = (
    <div className="type-parts">
      <Now type={type} />
      <Facts type={type} />
    </div>
  )
  return (
    <Tabs
      activeKey={url.one('tab') ?? 'now'}
      onChange={(tab) => url.set({ tab: tab === 'now' ? null : tab }, { replace: true })}
      items={[
        { key: 'now', label: say('now'), children: facts },
        { key: 'try', label: say('tryOut'), children: <TestRun type={type} /> },
        { key: 'statistics', label: say('statistics'), children: <Statistics name={type.name} /> },
        { key: 'definition', label: say('definition'), children: <Definition type={type} /> },
      ]}
    />
  )
}
