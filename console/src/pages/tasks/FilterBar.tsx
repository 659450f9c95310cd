import { ClearOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Input, Select } from 'antd'
import { useState } from 'react'
import { answer, api } from '@/api/client'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { FILTERS, isEmpty, type TaskFilter } from './filter'
import { taskListWords } from './words'

/** Every filter but the status; what is typed counts when Enter is pressed or the field is left. */
export function FilterBar({ filter }: { filter: TaskFilter }) {
  const say = useWords(taskListWords)
  const url = useUrlState()
  const types = useTypes()
  const [custom, setCustom] = useState(false)
  const fixed = custom || filter.after !== undefined || filter.before !== undefined
  const span = (chosen: string | undefined) => {
    setCustom(chosen === 'custom')
    url.set({ last: chosen === 'custom' ? null : chosen, after: null, before: null })
  }
  const clear = () => url.set(Object.fromEntries(FILTERS.map((name) => [name, null])))
  const spans = [
    { value: '15m', label: say('last15m') },
    { value: '1h', label: say('last1h') },
    { value: '24h', label: say('last24h') },
    { value: '7d', label: say('last7d') },
    { value: 'custom', label: say('custom') },
  ]
  return (
    <div className="filters" role="search" aria-label={say('more')}>
      <Typed name="q" label={say('text')} hint={say('textHint')} value={filter.q} />
      <Select
        mode="multiple"
        className="filter-wide"
        aria-label={say('type')}
        placeholder={say('typeAny')}
        value={filter.type}
        options={types}
        maxTagCount="responsive"
        allowClear
        onChange={(type) => url.set({ type })}
      />
      <Typed name="key" label={say('key')} hint={say('key')} value={filter.key} />
      <Labels chosen={filter.label} />
      <Select
        className="filter"
        aria-label={say('created')}
        placeholder={say('created')}
        value={filter.last ?? (fixed ? 'custom' : null)}
        options={spans}
        allowClear
        onChange={span}
      />
      {fixed && !filter.last && <Moments filter={filter} />}
      {!isEmpty(filter) && (
        <Button type="text" icon={<ClearOutlined />} onClick={clear}>
          {say('clear')}
        </Button>
      )}
    </div>
  )
}

function useTypes(): { value: string }[] {
  const stats = useQuery({
    queryKey: ['stats'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/stats', { signal })),
    retry: false,
  })
  return Object.keys(stats.data?.by_type ?? {})
    .sort()
    .map((value) => ({ value }))
}

interface TypedProps {
  name: 'q' | 'key'
  label: string
  hint: string
  value: string | undefined
}

function Typed({ name, label, hint, value }: TypedProps) {
  const url = useUrlState()
  const [typed, setTyped] = useState<string | null>(null) // null: what the URL says
  const keep = () => {
    if (typed !== null && typed !== (value ?? '')) url.set({ [name]: typed.trim() })
    setTyped(null)
  }
  return (
    <Input
      className="filter"
      aria-label={label}
      placeholder={hint}
      maxLength={200}
      value={typed ?? value ?? ''}
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

function Labels({ chosen }: { chosen: string[] }) {
  const say = useWords(taskListWords)
  const url = useUrlState()
  const [wrong, setWrong] = useState(false)
  const choose = (labels: string[]) => {
    const good = labels.filter((label) => /^[^:]+:/.test(label))
    setWrong(good.length < labels.length)
    url.set({ label: good })
  }
  return (
    <Select
      mode="tags"
      className="filter"
      aria-label={say('label')}
      placeholder={`${say('label')} ${say('labelHint')}`}
      title={wrong ? say('labelWrong') : undefined}
      status={wrong ? 'error' : ''}
      value={chosen}
      open={false}
      suffixIcon={null}
      onChange={choose}
    />
  )
}

/** Two moments in the viewer's zone; the browser's own fields, which every phone knows. */
function Moments({ filter }: { filter: TaskFilter }) {
  const say = useWords(taskListWords)
  const url = useUrlState()
  const field = (name: 'after' | 'before', word: 'from' | 'until') => (
    <label className="filter-moment">
      <span className="quiet">{say(word)}</span>
      <input
        type="datetime-local"
        step={1}
        aria-label={`${say('created')} ${say(word)}`}
        value={local(filter[name])}
        onChange={(event) => url.set({ [name]: event.target.value && new Date(event.target.value).toISOString() })}
      />
    </label>
  )
  return (
    <>
      {field('after', 'from')}
      {field('before', 'until')}
    </>
  )
}

function local(moment: string | undefined): string {
  const at = moment ? new Date(moment) : null
  if (at === null || Number.isNaN(at.getTime())) return ''
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
