import { DeleteOutlined, StarOutlined } from '@ant-design/icons'
import { Button, Divider, Flex, Input, Popover } from 'antd'
import { useState } from 'react'
import { Link } from 'react-router'
import { SafeText } from '@/parts/SafeText'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { deleteView, saveView, useViews } from './views'
import { taskListWords } from './words'

/** Filters that were saved under a name, and three that everybody needs. */
export function ViewMenu() {
  const say = useWords(taskListWords)
  const [open, setOpen] = useState(false)
  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      open={open}
      onOpenChange={setOpen}
      content={<Views onChosen={() => setOpen(false)} />}
    >
      <Button icon={<StarOutlined />}>{say('views')}</Button>
    </Popover>
  )
}

function Views({ onChosen }: { onChosen: () => void }) {
  const say = useWords(taskListWords)
  const url = useUrlState()
  const views = useViews()
  const [name, setName] = useState('')
  const save = () => {
    const search = new URLSearchParams(url.text)
    search.delete('cursor')
    if (name.trim()) saveView({ name: name.trim(), search: search.toString() })
    setName('')
  }
  return (
    <div className="views">
      <Link to="/tasks?status=failed&last=24h" onClick={onChosen}>
        {say('viewFailures')}
      </Link>
      <Link to="/tasks?status=awaiting_input" onClick={onChosen}>
        {say('viewPeople')}
      </Link>
      <Link to="/tasks?status=processing&status=queued" onClick={onChosen}>
        {say('viewRunning')}
      </Link>
      <Divider />
      {views.length === 0 && <p className="quiet">{say('viewNone')}</p>}
      {views.map((view) => (
        <Flex key={view.name} justify="space-between" align="center">
          <Link to={`/tasks?${view.search}`} onClick={onChosen}>
            <SafeText text={view.name} />
          </Link>
          <Button
            type="text"
            size="small"
            icon={<DeleteOutlined />}
            aria-label={say('viewDelete', { name: view.name })}
            onClick={() => deleteView(view.name)}
          />
        </Flex>
      ))}
      <Flex gap={8} className="view-save">
        <Input
          value={name}
          maxLength={60}
          placeholder={say('viewName')}
          aria-label={say('viewName')}
          onChange={(event) => setName(event.target.value)}
          onPressEnter={save}
        />
        <Button onClick={save} disabled={!name.trim()}>
          {say('viewSave')}
        </Button>
      </Flex>
    </div>
  )
}
