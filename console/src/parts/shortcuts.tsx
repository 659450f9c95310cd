import { Modal } from 'antd'
import { createContext, use, useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { useWords } from '@/words/words'
import { partWords } from './words'

export interface Shortcut {
  /** A key (`j`, `?`, `Enter`), or two in sequence (`g t`). */
  readonly keys: string
  readonly label: string
  readonly run: () => void
}

class Registry {
  private readonly sets = new Set<{ current: readonly Shortcut[] }>()

  add(set: { current: readonly Shortcut[] }): () => void {
    this.sets.add(set)
    return () => this.sets.delete(set)
  }

  /** The page's own before those of the frame. */
  all(): Shortcut[] {
    return [...this.sets].reverse().flatMap((set) => set.current)
  }
}

const Context = createContext(new Registry())

/** Keys that work while the component is there; silent while somebody types. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const registry = use(Context)
  const held = useRef(shortcuts)
  useEffect(() => {
    held.current = shortcuts
  })
  useEffect(() => registry.add(held), [registry])
}

/** Listens to the keyboard, and shows on `?` what it understands. */
export function Shortcuts({ children }: { children: ReactNode }) {
  const registry = useMemo(() => new Registry(), [])
  const [help, setHelp] = useState<Shortcut[] | null>(null)
  const say = useWords(partWords)
  useEffect(() => {
    let before = ''
    let until = 0
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return
      if (event.key === 'Enter' && acting(event.target)) return
      const sequence = Date.now() < until ? `${before} ${event.key}` : ''
      before = event.key
      until = Date.now() + 1000
      if (event.key === '?') return setHelp(registry.all())
      const found = registry.all().find(({ keys }) => keys === sequence || keys === event.key)
      if (!found) return
      event.preventDefault()
      until = 0
      found.run()
    }
    document.addEventListener('keydown', listen)
    return () => document.removeEventListener('keydown', listen)
  }, [registry])
  return (
    <Context value={registry}>
      {children}
      <Modal open={help !== null} title={say('shortcuts')} footer={null} onCancel={() => setHelp(null)}>
        <dl className="shortcuts">
          {help?.map(({ keys, label }) => (
            <div key={keys}>
              <dt>
                {keys.split(' ').map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{label}</dd>
            </div>
          ))}
        </dl>
      </Modal>
    </Context>
  )
}

/** True on what does something itself when Enter is pressed. */
function acting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('a, button, [role=button], [role=tab], summary') !== null
}

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return (
    target.isContentEditable ||
    target.closest('input, textarea, select, [role=dialog], [role=combobox], [role=menu]') !== null
  )
}
