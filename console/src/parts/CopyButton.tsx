import { CheckOutlined, CopyOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useEffect, useState } from 'react'
import { useWords } from '@/words/words'
import { partWords } from './words'

/** Puts a text onto the clipboard. `text` may be a function, so that a large one is made only when it is wanted. */
export function CopyButton({ text, label }: { text: string | (() => string); label?: string }) {
  const say = useWords(partWords)
  const [done, setDone] = useState(false)
  useEffect(() => {
    const timer = done ? setTimeout(() => setDone(false), 1500) : undefined
    return () => clearTimeout(timer)
  }, [done])
  const copy = () => void write(typeof text === 'function' ? text() : text).then(() => setDone(true))
  const name = done ? say('copied') : (label ?? say('copy'))
  return (
    <Button
      size="small"
      type="text"
      className="copy"
      icon={done ? <CheckOutlined /> : <CopyOutlined />}
      aria-label={name}
      title={name}
      onClick={(event) => {
        event.stopPropagation()
        copy()
      }}
    >
      {label}
    </Button>
  )
}

async function write(text: string): Promise<void> {
  if ('clipboard' in navigator) return navigator.clipboard.writeText(text)
  // over plain http there is no clipboard: a browser then copies only what is selected
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}
