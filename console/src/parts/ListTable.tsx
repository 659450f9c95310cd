import { useEffect, useRef, useState } from 'react'
import { useWords } from '@/words/words'
import { DataTable, type Column } from './DataTable'
import { useShortcuts } from './shortcuts'
import { partWords } from './words'

interface Props<T> {
  rows: readonly T[]
  idOf: (row: T) => string
  columns: readonly Column<T>[]
  /** What a click on a row, or Enter, does. */
  onOpen: (row: T) => void
  /** Pixels below which the table scrolls sideways. */
  least?: number
}

/** A table of things to open: `j` and `k` go down and up, Enter or a click opens one. */
export function ListTable<T>({ rows, idOf, onOpen, ...table }: Props<T>) {
  const say = useWords(partWords)
  const box = useRef<HTMLDivElement>(null)
  const [chosen, setChosen] = useState<string | null>(null)
  useEffect(() => {
    // in braces: what it returns (a promise, in newer browsers) is no clean-up
    box.current?.querySelector('.chosen')?.scrollIntoView({ block: 'nearest' })
  }, [chosen])
  const at = rows.findIndex((row) => idOf(row) === chosen)
  const step = (by: number) => {
    const row = rows[Math.min(Math.max(at + by, 0), rows.length - 1)]
    if (row) setChosen(idOf(row))
  }
  const open = () => {
    const row = rows[at]
    if (row) onOpen(row)
  }
  useShortcuts([
    { keys: 'j', label: say('nextRow'), run: () => step(1) },
    { keys: 'k', label: say('previousRow'), run: () => step(-1) },
    { keys: 'Enter', label: say('openRow'), run: open },
  ])
  return (
    <div className="section flush" ref={box}>
      <DataTable {...table} rows={rows} idOf={idOf} chosen={chosen} onOpen={onOpen} />
    </div>
  )
}
