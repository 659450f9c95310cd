/** A form made of a JSON Schema: which fields it has, and how their values become an input again. */

export type Schema = Record<string, unknown>
export type Path = readonly string[]

export interface Field {
  readonly path: Path
  readonly kind: 'text' | 'long' | 'number' | 'integer' | 'yes' | 'choice' | 'list' | 'group' | 'json'
  readonly title: string
  readonly description: string
  readonly required: boolean
  readonly schema: Schema
  /** Of a choice: what it may be. */
  readonly choices: readonly unknown[]
  /** Of a group. */
  readonly fields: readonly Field[]
}

const DEEPEST = 4
/** Groups in groups; what is below is written as JSON. */
const LONG = 200
/** Characters from which on a text gets more than one line. */

/** The fields of an object's schema; null if it says of no property what it is. */
export function fieldsOf(schema: unknown): Field[] | null {
  const root = isSchema(schema) ? resolved(schema, schema) : null
  if (root === null || !isSchema(root.properties)) return null
  return fieldsIn(root, root, [], true)
}

/** `enforced`: false in a group that may be left out, where an empty field is not missed. */
function fieldsIn(schema: Schema, root: Schema, above: Path, enforced: boolean): Field[] {
  const required = Array.isArray(schema.required) ? (schema.required as unknown[]) : []
  return Object.entries((schema.properties ?? {}) as Schema).map(([name, value]) =>
    fieldOf(resolved(value, root), root, [...above, name], enforced && required.includes(name)),
  )
}

function fieldOf(schema: Schema, root: Schema, path: Path, required: boolean): Field {
  const choices = choicesOf(schema)
  const kind = kindOf(schema, choices, path.length)
  return {
    path,
    kind,
    title: textOf(schema.title) || (path.at(-1) ?? ''),
    description: textOf(schema.description),
    required,
    schema,
    choices,
    fields: kind === 'group' ? fieldsIn(schema, root, path, required) : [],
  }
}

function kindOf(schema: Schema, choices: readonly unknown[], depth: number): Field['kind'] {
  if (choices.length > 0) return 'choice'
  switch (schema.type) {
    case 'string':
      return typeof schema.maxLength === 'number' && schema.maxLength <= LONG ? 'text' : lengthOf(schema)
    case 'number':
    case 'integer':
      return schema.type
    case 'boolean':
      return 'yes'
    case 'array':
      return isSchema(schema.items) && schema.items.type === 'string' ? 'list' : 'json'
    case 'object':
      return isSchema(schema.properties) && depth < DEEPEST ? 'group' : 'json'
    default:
      return 'json'
  }
}

function lengthOf(schema: Schema): 'text' | 'long' {
  const short = schema.pattern !== undefined || schema.format !== undefined
  return typeof schema.maxLength === 'number' && !short ? 'long' : 'text'
}

function choicesOf(schema: Schema): readonly unknown[] {
  if (Array.isArray(schema.enum)) return schema.enum as unknown[]
  return 'const' in schema ? [schema.const] : []
}

/** What a schema says once its reference is followed and "or null" is taken away. */
function resolved(value: unknown, root: Schema, steps = 0): Schema {
  if (!isSchema(value) || steps > 8) return {}
  if (typeof value.$ref === 'string') return resolved(pointed(value.$ref, root), root, steps + 1)
  const branches = value.anyOf ?? value.oneOf
  if (Array.isArray(branches)) {
    const others = branches.filter((branch) => !(isSchema(branch) && branch.type === 'null'))
    if (others.length === 1) {
      const marks = { title: value.title, description: value.description, default: value.default }
      return { ...resolved(others[0], root, steps + 1), ...present(marks) }
    }
  }
  if (Array.isArray(value.type)) {
    const others = (value.type as unknown[]).filter((type) => type !== 'null')
    if (others.length === 1) return { ...value, type: others[0] }
  }
  return value
}

function pointed(reference: string, root: Schema): unknown {
  if (!reference.startsWith('#/')) return undefined
  const names = reference.slice(2).split('/')
  return names.reduce<unknown>(
    (at, name) => (isSchema(at) ? at[name.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined),
    root,
  )
}

/** What the form shows at first: the schema's defaults, and the only value that something may have. */
export function defaultsOf(fields: readonly Field[]): Schema {
  const entries = fields.map((field): [string, unknown] => {
    const name = field.path.at(-1) ?? ''
    if (field.kind === 'group') return [name, defaultsOf(field.fields)]
    if ('const' in field.schema) return [name, field.schema.const]
    const value = field.schema.default
    return [name, field.kind === 'json' && value !== undefined ? JSON.stringify(value, null, 2) : value]
  })
  return present(Object.fromEntries(entries))
}

/** The input that the form's values mean. What was left empty is left out. Throws SyntaxError for JSON that is none. */
export function inputOf(fields: readonly Field[], values: Schema): Schema {
  const known = new Map(fields.map((field) => [field.path.at(-1), field]))
  const entries = Object.entries(values).map(([name, value]): [string, unknown] => {
    const field = known.get(name)
    return [name, field ? valueOf(field, value) : value]
  })
  return present(Object.fromEntries(entries))
}

function valueOf(field: Field, value: unknown): unknown {
  if (value === null || value === '') return undefined
  if (field.kind === 'json') return typeof value === 'string' && value.trim() ? JSON.parse(value) : undefined
  if (field.kind === 'list') return Array.isArray(value) && value.length > 0 ? value : undefined
  if (field.kind !== 'group' || !isSchema(value)) return value
  const input = inputOf(field.fields, value)
  return Object.keys(input).length > 0 || field.required ? input : undefined
}

/** The form's values of an input: the other way round. */
export function valuesOf(fields: readonly Field[], input: Schema): Schema {
  const known = new Map(fields.map((field) => [field.path.at(-1), field]))
  const entries = Object.entries(input).map(([name, value]): [string, unknown] => {
    const field = known.get(name)
    if (field?.kind === 'json') return [name, JSON.stringify(value, null, 2)]
    if (field?.kind === 'group' && isSchema(value)) return [name, valuesOf(field.fields, value)]
    return [name, value]
  })
  return Object.fromEntries(entries)
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function present(object: Schema): Schema {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
