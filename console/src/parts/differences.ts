export interface Difference {
  readonly path: string
  /** Undefined: it was not there. */
  readonly before: unknown
  /** Undefined: it is not there any more. */
  readonly after: unknown
}

/** What differs between two JSON values: objects by their fields, all else as a whole. */
export function differences(before: unknown, after: unknown, path = ''): Difference[] {
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return names.flatMap((name) => differences(before[name], after[name], path ? `${path}.${name}` : name))
  }
  return same(before, after) ? [] : [{ path, before, after }]
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
