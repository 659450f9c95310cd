import { SearchOutlined } from '@ant-design/icons'
import { Input } from 'antd'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useWords } from '@/words/words'
import { appWords } from './words'

const ID = 'search'
const TASK_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function focusSearch(): void {
  document.getElementById(ID)?.focus()
}

/** A whole id leads to its task, anything else to the list of what has it. */
export function SearchBox() {
  const say = useWords(appWords)
  const navigate = useNavigate()
  const [text, setText] = useState('')
  function find() {
    const wanted = text.trim()
    if (!wanted) return
    void navigate(
      TASK_ID.test(wanted) ? `/tasks/${wanted.toLowerCase()}` : `/tasks?${new URLSearchParams({ q: wanted })}`,
    )
    setText('')
    document.getElementById(ID)?.blur()
  }
  return (
    <search className="search">
      <Input
        id={ID}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onPressEnter={find}
        maxLength={200}
        prefix={<SearchOutlined />}
        suffix={<kbd aria-hidden>/</kbd>}
        placeholder={say('search')}
        aria-label={say('searchLabel')}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
        allowClear
      />
    </search>
  )
}
