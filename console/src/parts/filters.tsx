import { ClearOutlined } from '@ant-design/icons'
import { Button, Input, Select } from 'antd'
import { useState, type ReactNode } from 'react'
import { useWords } from '@/words/words'
import { rangeOf, type Span } from './range'
import { useUrlState } from './urlState'
import { partWords } from './words'
import './filters.css'

interface BarProps {
  label: string
  /** The URL's parameters that this bar sets; a button clears them. */
  names: readonly string[]
  children: ReactNode
}

/** Filters in a row, kept in the URL. */
export function FilterBar({ label, names, children }: BarProps) {
  const say = useWords(partWords)
  const url = useUrlState()
  const any = names.some((name) => url.one(name) !== undefined)
  return (
    <div className="filter-bar" role="search" aria-label={label}>
      {children}
      {any && (
        <Button
          type="text"
          icon={<ClearOutlined />}
          onClick={() => url.set(Object.fromEntries(names.map((name) => [name, null])))}
        >
          {say('clearFilters')}
        </Button>
      )}
    </div>
  )
}

/** A text that counts when Enter is pressed or the field is left. */
export function TextFilter({ name, label, hint }: { name: string; label: string; hint?: string }) {
  const url = useUrlState()
  const value = url.one(name) ?? ''
  const [typed, setTyped] = useState<string | null>(null) // null: what the URL says
  const keep = () => {
    if (typed !== null && typed.trim() !== value) url.set({ [name]: typed.trim() })
    setTyped(null)
  }
  return (
    <Input
      aria-label={label}
      placeholder={hint ?? label}
      maxLength={250}
      value={typed ?? value}
      onChange={(event) => {
        setTyped(event.target.value)
        if (event.type === 'click') url.set({ [name]: null }) // the cross
      }}
      onPressEnter={keep}
      onBlur={keep}
      allowClear
    />
  )
}

const SPANS: readonly Span[] = ['15m', '1h', '24h', '7d']
const SPAN_WORDS = { '15m': 'last15m', '1h': 'last1h', '24h': 'last24h', '7d': 'last7d' } as const

/** A span until now, or two moments in the viewer's zone: parameters `last`, or `after` and `before`. */
export function TimeFilter() {
  const say = useWords(partWords)
  const url = useUrlState()
  const { span, after, before } = rangeOf(url)
  const [opened, setOpened] = useState(false)
  const between = opened || after !== undefined || before !== undefined
  const options = [
    ...SPANS.map((value) => ({ value: value, label: say(SPAN_WORDS[value]) })),
    { value: 'between', label: say('between') },
  ]
  const choose = (value: string | undefined) => {
    setOpened(value === 'between')
    url.set({ last: value === 'between' ? null : value, after: null, before: null })
  }
  return (
    <>
      <Select
        aria-label={say('timeRange')}
        placeholder={say('anyTime')}
        value={between ? 'between' : span}
        options={options}
        allowClear
        onChange={choose}
      />
      {between && (
        <MomentField
          label={say('timeFrom')}
          value={after}
          onChange={(moment) => url.set({ after: moment, last: null })}
        />
      )}
      {between && (
        <MomentField
          label={say('timeUntil')}
          value={before}
          onChange={(moment) => url.set({ before: moment, last: null })}
        />
      )}
    </>
  )
}

interface MomentProps {
  label: string
  value: string | undefined
  onChange: (moment: string | null) => void
}

/** A moment in the viewer's zone, by the browser's own field, which every phone knows. */
export function MomentField({ label, value, onChange }: MomentProps) {
  return (
    <label>
      <span className="quiet">{label}</span>
      <input
        type="datetime-local"
        step={1}
        value={localText(value)}
        onChange={(event) => onChange(utcText(event.target.value) || null)}
      />
    </label>
  )
}

function utcText(local: string): string {
  return local && new Date(local).toISOString()
}

function localText(moment: string | undefined): string {
  const at = moment ? new Date(moment) : null
  if (at === null || Number.isNaN(at.getTime())) return ''
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
