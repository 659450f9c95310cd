import { ClearOutlined } from '@ant-design/icons'
import { AutoComplete, Button, Input, Select, type AutoCompleteProps } from 'antd'
import { useRef, useState, type ReactNode } from 'react'
import { useWords } from '@/words/words'
import { namesOf, rangeOf, SPANS } from './range'
import { SafeText } from './SafeText'
import { useSuggestions, useTypeNames, type Suggested } from './suggestions'
import { useUrlState, type UrlState } from './urlState'
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

interface TextProps {
  name: string
  label: string
  hint?: string
  /** What of tasks may be meant is offered. */
  suggests?: Suggested
}

/** A text that counts when Enter is pressed or the field is left. */
export function TextFilter({ name, label, hint, suggests }: TextProps) {
  const url = useUrlState()
  const value = url.one(name) ?? ''
  const [typed, setTyped] = useState<string | null>(null) // null: what the URL says
  const latest = useRef<string | null>(null)
  const type = (text: string | null) => {
    latest.current = text
    setTyped(text)
  }
  const keep = () => {
    if (latest.current !== null && latest.current.trim() !== value) url.set({ [name]: latest.current.trim() })
    type(null)
  }
  const field = {
    'aria-label': label,
    placeholder: hint ?? label,
    maxLength: 250,
    value: typed ?? value,
    onBlur: keep,
    allowClear: true,
  }
  if (suggests === undefined)
    return (
      <Input
        {...field}
        onChange={(event) => {
          type(event.target.value)
          if (event.type === 'click') keep() // the cross
        }}
        onPressEnter={keep}
      />
    )
  return (
    <Suggesting
      {...field}
      suggests={suggests}
      typed={typed}
      onChange={(text: string | undefined) => {
        type(text ?? '')
        if (text === undefined) keep() // the cross
      }}
      onSelect={keep}
      onKeyDown={(event) => event.key === 'Enter' && keep()}
    />
  )
}

interface SuggestingProps extends AutoCompleteProps {
  suggests: Suggested
  typed: string | null
}

/** What is typed stands first in the list, so that Enter keeps it. */
function Suggesting({ suggests, typed, ...field }: SuggestingProps) {
  const found = useSuggestions(suggests, typed ?? '', !!typed).filter(({ value }) => value !== typed)
  const options = typed && found.length > 0 ? [{ value: typed }, ...found] : []
  return (
    <AutoComplete
      {...field}
      options={options}
      optionRender={safely}
      showSearch={{ filterOption: false }}
      defaultActiveFirstOption
    />
  )
}

/** Labels of tasks, `name:value`; names are offered first, then values of the one that is chosen. */
export function LabelFilter() {
  const say = useWords(partWords)
  const url = useUrlState()
  const [typed, setTyped] = useState('')
  const [wrong, setWrong] = useState(false)
  const [open, setOpen] = useState(false)
  const options = useSuggestions('label', typed, open)
  const chosen = labelsIn(url)
  const choose = (labels: string[]) => {
    const added = labels.find((label) => !chosen.includes(label))
    if (added !== undefined && added !== typed && added.endsWith(':')) return setTyped(added) // a value is to follow
    const good = labels.filter(isLabel)
    setWrong(good.length < labels.length)
    setTyped('')
    url.set({ label: good })
  }
  return (
    <Select
      mode="tags"
      aria-label={say('taskLabel')}
      placeholder={`${say('taskLabel')} ${say('taskLabelHint')}`}
      title={wrong ? say('taskLabelWrong') : undefined}
      status={wrong ? 'error' : ''}
      value={chosen}
      options={options}
      optionRender={safely}
      labelRender={safely}
      showSearch={{ searchValue: typed, onSearch: setTyped, filterOption: false, autoClearSearchValue: false }}
      maxTagCount="responsive"
      allowClear
      onOpenChange={setOpen}
      onChange={choose}
    />
  )
}

/** The labels that the URL asks for. */
export function labelsIn(url: Pick<UrlState, 'all'>): string[] {
  return url.all('label').filter(isLabel)
}

function isLabel(text: string): boolean {
  return /^[^:]+:/.test(text)
}

/** What came from tasks, in a list. */
function safely({ value }: { value?: string | number | null }): ReactNode {
  return <SafeText text={String(value)} />
}

/** Task types, of those that there are. */
export function TypeFilter() {
  const say = useWords(partWords)
  const url = useUrlState()
  return (
    <Select
      mode="multiple"
      aria-label={say('taskType')}
      placeholder={say('anyTaskType')}
      value={url.all('type')}
      options={useTypeNames().map((value) => ({ value }))}
      maxTagCount="responsive"
      allowClear
      onChange={(type) => url.set({ type })}
    />
  )
}

const SPAN_WORDS = { '15m': 'last15m', '1h': 'last1h', '6h': 'last6h', '24h': 'last24h', '7d': 'last7d' } as const

interface TimeProps {
  /** Of what it is the time, where a page has several. */
  of?: string
  /** Of its parameters in the URL. */
  prefix?: string
}

/** A span until now, or two moments in the viewer's zone: parameters `last`, or `after` and `before`. */
export function TimeFilter({ of, prefix }: TimeProps) {
  const say = useWords(partWords)
  const url = useUrlState()
  const names = namesOf(prefix)
  const { span, after, before } = rangeOf(url, prefix)
  const [opened, setOpened] = useState(false)
  const between = opened || after !== undefined || before !== undefined
  const options = [
    ...SPANS.map((value) => ({ value: value, label: say(SPAN_WORDS[value]) })),
    { value: 'between', label: say('between') },
  ]
  const choose = (value: string | undefined) => {
    setOpened(value === 'between')
    url.set({ [names.last]: value === 'between' ? null : value, [names.after]: null, [names.before]: null })
  }
  const end = (word: 'timeFrom' | 'timeUntil', name: string, value: string | undefined) => (
    <MomentField
      label={of ? `${of} ${say(word)}` : say(word)}
      value={value}
      onChange={(moment) => url.set({ [name]: moment, [names.last]: null })}
    />
  )
  return (
    <>
      <Select
        aria-label={of ?? say('timeRange')}
        prefix={of && <span className="quiet">{of}</span>}
        placeholder={say('anyTime')}
        value={between ? 'between' : span}
        options={options}
        allowClear
        onChange={choose}
      />
      {between && end('timeFrom', names.after, after)}
      {between && end('timeUntil', names.before, before)}
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
