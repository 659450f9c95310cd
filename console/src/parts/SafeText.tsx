import { Fragment, type ReactNode } from 'react'

/** Control characters (tab and line feed aside), and marks that change the direction or are not seen. */
const SNEAKY =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu

/** Text from outside: what could hide or turn other text is shown by its name, and its direction stays inside. */
export function SafeText({ text }: { text: string }) {
  return <bdi className="free-text">{withNames(text)}</bdi>
}

function withNames(text: string): ReactNode {
  const parts: ReactNode[] = []
  let at = 0
  for (const found of text.matchAll(SNEAKY)) {
    parts.push(text.slice(at, found.index), <Mark key={found.index} of={found[0]} />)
    at = found.index + found[0].length
  }
  if (parts.length === 0) return text
  return (
    <>
      {[...parts, text.slice(at)].map((part, index) => (
        <Fragment key={index}>{part}</Fragment>
      ))}
    </>
  )
}

function Mark({ of }: { of: string }) {
  return <span className="sneaky">{nameOf(of)}</span>
}

function nameOf(character: string): string {
  if (character === '\u001b') return 'ESC'
  if (character === '\r') return 'CR'
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
