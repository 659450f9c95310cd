import { DownOutlined, DownloadOutlined } from '@ant-design/icons'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Button, Checkbox, Empty, Flex, Input, Segmented } from 'antd'
import {
  memo,
  useCallback,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type ReactNode,
} from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { sentenceOf } from '@/retold/line'
import { useWords } from '@/words/words'
import { JsonView } from './JsonView'
import { exactTime } from './Moment'
import { useNumbers } from './numbers'
import { SafeText } from './SafeText'
import { partWords } from './words'

type Line = Schemas['LogDocument']
export type Level = Line['level']

export const LEVELS: readonly Level[] = ['debug', 'info', 'warning', 'error']
const ROW = 26
/** Pixels of a line that is not unfolded, as a first guess. */

interface Props {
  lines: readonly Line[]
  /** For the name of the file that a download makes. */
  name: string
  /** True while more lines may come: the list can then follow them. */
  follows: boolean
  extra?: ReactNode
}

/** A log of any length: only the lines in sight are drawn. Filters by level and text; a line unfolds to its data. */
export function LogList({ lines, name, follows, extra }: Props) {
  const say = useWords(partWords)
  const numbers = useNumbers()
  const [level, setLevel] = useState<Level>('info')
  const [typed, setTyped] = useState('')
  const [follow, setFollow] = useState(true)
  const text = useDeferredValue(typed)
  const shown = useMemo(() => lines.filter(matcher(level, text)), [lines, level, text])
  return (
    <div className="log">
      <Flex gap={8} wrap align="center" className="log-tools">
        <Segmented
          options={LEVELS.map((one) => ({ value: one, label: say(one) }))}
          value={level}
          onChange={setLevel}
          aria-label={say('level')}
        />
        <Input
          className="log-search"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          placeholder={say('logSearch')}
          aria-label={say('logSearch')}
          allowClear
        />
        {follows && (
          <Checkbox checked={follow} onChange={(event) => setFollow(event.target.checked)}>
            {say('follow')}
          </Checkbox>
        )}
        <span className="quiet number log-count">
          {shown.length < lines.length
            ? say('linesOf', { shown: numbers.whole(shown.length), all: numbers.whole(lines.length) })
            : say('lines', { count: lines.length, n: numbers.whole(lines.length) })}
        </span>
        <Button icon={<DownloadOutlined />} onClick={() => download(shown, name)}>
          {say('download')}
        </Button>
        {extra}
      </Flex>
      {shown.length === 0 ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say(lines.length ? 'noLineMatches' : 'noLines')} />
      ) : (
        <LogLines lines={shown} follow={follows && follow} onLeave={() => setFollow(false)} />
      )}
    </div>
  )
}

interface LinesProps<L extends Line> {
  lines: readonly L[]
  follow: boolean
  /** Somebody scrolls away from the end. */
  onLeave: () => void
  /** The first line has come into sight. */
  onTop?: () => void
  /** What stands before each line. */
  lead?: (line: L) => ReactNode
}

/** The lines in sight, of any number. Lines that come before the first move nothing that is in sight. */
export function LogLines<L extends Line>({ lines, follow, onLeave, onTop, lead }: LinesProps<L>) {
  const say = useWords(partWords)
  const box = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set())
  // eslint-disable-next-line react-hooks/incompatible-library -- its functions are used here only
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    getItemKey: (index) => lines[index]?.id ?? index,
    overscan: 12,
  })
  const last = lines.length - 1
  useEffect(() => {
    if (follow) rows.scrollToIndex(last, { align: 'end' })
  }, [follow, last, rows])
  const top = rows.getVirtualItems()[0]?.index === 0
  const first = lines[0]?.id
  useEffect(() => {
    if (top && !follow) onTop?.()
  }, [top, first, follow, onTop])
  const before = useRef(first)
  useLayoutEffect(() => {
    const came = lines.findIndex(({ id }) => id === before.current)
    if (came > 0 && !follow && box.current) box.current.scrollTop += came * ROW
    before.current = first
  }, [lines, first, follow])
  const toggle = useCallback(
    (id: number) =>
      setOpen((before) => {
        const changed = new Set(before)
        if (!changed.delete(id)) changed.add(id)
        return changed
      }),
    [],
  )
  return (
    <div className="log-frame">
      <div
        className="log-box"
        ref={box}
        tabIndex={0}
        role="log"
        aria-live="off"
        onWheel={(event) => event.deltaY < 0 && onLeave()}
      >
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map((row) => {
            const line = lines[row.index]
            return (
              line && (
                <div
                  key={row.key}
                  data-index={row.index}
                  ref={rows.measureElement}
                  className="log-place"
                  style={{ transform: `translateY(${row.start}px)` }}
                >
                  <LogLine line={line} open={open.has(line.id)} onToggle={toggle} lead={lead} />
                </div>
              )
            )
          })}
        </div>
      </div>
      {!follow && lines.length > 40 && (
        <Button
          className="log-end"
          shape="circle"
          icon={<DownOutlined />}
          aria-label={say('toEnd')}
          onClick={() => rows.scrollToIndex(last)}
        />
      )}
    </div>
  )
}

interface LineProps<L extends Line> {
  line: L
  open: boolean
  onToggle: (id: number) => void
  lead?: (line: L) => ReactNode
}

const LogLine = memo(LineOf) as typeof LineOf

function LineOf<L extends Line>({ line, open, onToggle, lead }: LineProps<L>) {
  const { i18n } = useTranslation()
  const say = useWords(partWords)
  return (
    <div className={`log-line log-${line.level} ${lead ? 'log-led' : ''}`}>
      {lead?.(line)}
      <button type="button" className="log-fold" aria-expanded={open} onClick={() => onToggle(line.id)}>
        <time dateTime={line.created_at} title={exactTime(line.created_at, i18n.language)}>
          {clockTime(line.created_at)}
        </time>
        <span className="log-level">{say(line.level)}</span>
        <span className="log-attempt quiet">{line.attempt || ''}</span>
        <span className="log-message">
          <SafeText text={sentenceOf(line)} />
        </span>
      </button>
      {open && (
        <div className="log-data">
          <code>{line.event}</code> <time dateTime={line.created_at}>{exactTime(line.created_at, i18n.language)}</time>
          {line.data && <JsonView value={line.data} />}
        </div>
      )}
    </div>
  )
}

function matcher(level: Level, text: string): (line: Line) => boolean {
  const least = LEVELS.indexOf(level)
  const wanted = text.trim().toLowerCase()
  return (line) =>
    LEVELS.indexOf(line.level) >= least &&
    (wanted === '' || [line.message, sentenceOf(line), line.event].some((text) => text.toLowerCase().includes(wanted)))
}

function clockTime(at: string): string {
  const time = new Date(at)
  const two = (n: number, digits = 2) => String(n).padStart(digits, '0')
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${two(time.getMilliseconds(), 3)}`
}

function download(lines: readonly Line[], name: string): void {
  const text = lines.map((line) => JSON.stringify(line)).join('\n')
  const url = URL.createObjectURL(new Blob([text, '\n'], { type: 'application/x-ndjson' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `${name}.ndjson`
  link.click()
  URL.revokeObjectURL(url)
}
