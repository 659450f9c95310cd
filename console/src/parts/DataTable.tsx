import type { CSSProperties, ReactNode } from 'react'
import './lists.css'

export interface Column<T> {
  readonly key: string
  readonly title: string
  /** Pixels; left out: what is left, shared. */
  readonly width?: number
  readonly align?: 'right'
  /** One line, cut off where the column ends. */
  readonly cut?: boolean
  readonly show: (row: T) => ReactNode
}

interface Props<T> {
  columns: readonly Column<T>[]
  rows: readonly T[]
  idOf: (row: T) => string | number
  /** Pixels below which the table scrolls sideways; on a phone, where more than 340 do not fit, a row is a card. */
  least?: number
  /** The row that the keyboard is at. */
  chosen?: string | number | null
  /** A click on a row, but not on a link or button in it. */
  onOpen?: (row: T) => void
}

const SMALL = 340
/** Pixels: such a table stays one on a phone. */

/** A plain table; a lot lighter than Ant Design's, which sorts, folds, selects and pages, too. */
export function DataTable<T>({ columns, rows, idOf, least = 720, chosen, onOpen }: Props<T>) {
  const open = (row: T, target: EventTarget) => {
    const inner = (target as Element).closest('a, button') !== null
    if (onOpen && !inner && !window.getSelection()?.toString()) onOpen(row)
  }
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={columns.map(({ title }) => title).join(', ')}>
      <table className={`table ${least > SMALL ? 'stacks' : ''}`} style={{ '--least': `${least}px` } as CSSProperties}>
        <colgroup>
          {columns.map(({ key, width }) => (
            <col key={key} style={{ width }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            {columns.map(({ key, title, align }) => (
              <th key={key} scope="col" className={align}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={idOf(row)}
              className={`${onOpen ? 'opens' : ''} ${idOf(row) === chosen ? 'chosen' : ''}`}
              onClick={(event) => open(row, event.target)}
            >
              {columns.map(({ key, title, width, align, cut, show }) => (
                <td
                  key={key}
                  className={`${align ?? ''} ${cut ? 'cut' : ''} ${width ? '' : 'wide'}`}
                  data-title={title}
                >
                  {show(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
