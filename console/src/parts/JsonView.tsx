import { CaretDownOutlined, CaretRightOutlined } from '@ant-design/icons'
import { Button, Flex, Segmented } from 'antd'
import { useMemo, useState } from 'react'
import { useWords } from '@/words/words'
import { CopyButton } from './CopyButton'
import { SafeText } from './SafeText'
import { useNumbers } from './numbers'
import { partWords } from './words'

const STEP = 200
/** Children of one node that are shown before somebody asks for more. */
const LONG = 2000
/** Characters of one string, likewise. */
const RAW = 200_000
/** Characters of raw text, likewise. */

/** What stands where the key has no right to see the value. */
export function HiddenPayload() {
  const say = useWords(partWords)
  return <p className="quiet">{say('hiddenPayload')}</p>
}

/** Any JSON value as a tree that can be folded, or as raw text; large ones in pieces. */
export function JsonView({ value }: { value: unknown }) {
  const say = useWords(partWords)
  const [mode, setMode] = useState<'tree' | 'raw'>('tree')
  const options = [
    { value: 'tree' as const, label: say('tree') },
    { value: 'raw' as const, label: say('raw') },
  ]
  return (
    <div className="json">
      <Flex className="json-tools" gap={4} align="center">
        <Segmented size="small" options={options} value={mode} onChange={setMode} />
        <CopyButton text={() => JSON.stringify(value, null, 2)} />
      </Flex>
      {mode === 'raw' ? (
        <Raw value={value} />
      ) : (
        <div className="json-tree">
          <Node value={value} depth={0} />
        </div>
      )}
    </div>
  )
}

function Raw({ value }: { value: unknown }) {
  const text = useMemo(() => JSON.stringify(value, null, 2), [value])
  return <Clipped text={text} most={RAW} block />
}

/** A long text, its beginning first. */
export function Clipped({ text, most = LONG, block }: { text: string; most?: number; block?: boolean }) {
  const say = useWords(partWords)
  const numbers = useNumbers()
  const [all, setAll] = useState(false)
  const clipped = !all && text.length > most
  const shown = <SafeText text={clipped ? text.slice(0, most) : text} />
  return (
    <>
      {block ? (
        <pre className="json-raw" tabIndex={0}>
          {shown}
        </pre>
      ) : (
        shown
      )}
      {clipped && (
        <span className="quiet">
          {' … '}
          {say('clipped', { shown: numbers.short(most), all: numbers.short(text.length) })}{' '}
          <Button size="small" type="link" onClick={() => setAll(true)}>
            {say('showAll')}
          </Button>
        </span>
      )}
    </>
  )
}

function Node({ value, depth }: { value: unknown; depth: number }) {
  if (typeof value === 'string')
    return (
      <span className="json-string">
        "<Clipped text={value} />"
      </span>
    )
  if (typeof value !== 'object' || value === null) return <span className="json-plain">{String(value)}</span>
  return <Branch value={value} depth={depth} />
}

function Branch({ value, depth }: { value: object; depth: number }) {
  const say = useWords(partWords)
  const [open, setOpen] = useState(depth < 2)
  const [shown, setShown] = useState(STEP)
  const list = Array.isArray(value)
  const entries: [string, unknown][] = useMemo(() => Object.entries(value), [value])
  const size = say(list ? 'items' : 'fields', { count: entries.length })
  if (entries.length === 0) return <span className="json-plain">{list ? '[]' : '{}'}</span>
  return (
    <>
      <button type="button" className="json-fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? <CaretDownOutlined /> : <CaretRightOutlined />} {list ? '[' : '{'} {size} {list ? ']' : '}'}
      </button>
      {open && (
        <ul className="json-children">
          {entries.slice(0, shown).map(([name, child]) => (
            <li key={name}>
              <span className="json-name">
                <SafeText text={name} />
              </span>
              : <Node value={child} depth={depth + 1} />
            </li>
          ))}
          {entries.length > shown && (
            <li>
              <Button size="small" type="link" onClick={() => setShown(shown + STEP * 5)}>
                + {entries.length - shown}
              </Button>
            </li>
          )}
        </ul>
      )}
    </>
  )
}
