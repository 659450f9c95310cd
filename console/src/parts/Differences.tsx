import { useWords } from '@/words/words'
import { differences } from './differences'
import './lists.css'
import { Clipped } from './JsonView'
import { SafeText } from './SafeText'
import { partWords } from './words'

/** What differs between two JSON values, field by field. */
export function Differences({ before, after }: { before: unknown; after: unknown }) {
  const say = useWords(partWords)
  const found = differences(before ?? {}, after ?? {})
  if (found.length === 0) return <p className="quiet">{say('noDifference')}</p>
  return (
    <ul className="differences">
      {found.map((one) => (
        <li key={one.path}>
          <code>
            <SafeText text={one.path || say('value')} />
          </code>
          {one.before !== undefined && (
            <del>
              <Value of={one.before} />
            </del>
          )}
          {one.after !== undefined && (
            <ins>
              <Value of={one.after} />
            </ins>
          )}
        </li>
      ))}
    </ul>
  )
}

function Value({ of }: { of: unknown }) {
  return <Clipped text={typeof of === 'string' ? of : JSON.stringify(of)} most={300} />
}
