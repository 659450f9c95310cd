import { expect, test } from 'vitest'
import { defaultsOf, fieldsOf, inputOf, valuesOf } from './schemaFields'

const schema = {
  type: 'object',
  required: ['order', 'address'],
  properties: {
    order: { type: 'string', pattern: '^SO-', description: 'Begins with SO-' },
    notes: { type: 'string', maxLength: 2000 },
    amount: { anyOf: [{ type: 'number', minimum: 0 }, { type: 'null' }], title: 'Amount' },
    count: { type: ['integer', 'null'], default: 1 },
    gift: { type: 'boolean' },
    currency: { enum: ['CNY', 'USD'] },
    version: { const: 2 },
    tags: { type: 'array', items: { type: 'string' } },
    address: { $ref: '#/$defs/address' },
    more: { type: 'object' },
  },
  $defs: { address: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } } },
}
const fields = fieldsOf(schema) ?? []

test('each property is a field of its kind', () => {
  expect(Object.fromEntries(fields.map((field) => [field.path.join('.'), field.kind]))).toEqual({
    order: 'text',
    notes: 'long',
    amount: 'number',
    count: 'integer',
    gift: 'yes',
    currency: 'choice',
    version: 'choice',
    tags: 'list',
    address: 'group',
    more: 'json',
  })
  expect(fields.find(({ path }) => path[0] === 'amount')?.title).toBe('Amount')
  expect(fields.filter(({ required }) => required).map(({ path }) => path[0])).toEqual(['order', 'address'])
  expect(fields.find(({ kind }) => kind === 'group')?.fields.map(({ path }) => path)).toEqual([['address', 'city']])
})

test.each([undefined, null, true, 'from-app', {}, { type: 'object' }, { type: 'string' }])('%j is no form', (one) => {
  expect(fieldsOf(one)).toBeNull()
})

test('a schema that holds itself ends as JSON', () => {
  const node = { type: 'object', properties: { next: { $ref: '#' } } }
  let at = fieldsOf(node)?.[0]
  for (let depth = 0; at?.kind === 'group'; depth++, at = at.fields[0]) expect(depth).toBeLessThan(5)
  expect(at?.kind).toBe('json')
  const loop = { type: 'object', properties: { a: { $ref: '#/properties/a' } } }
  expect(fieldsOf(loop)?.[0]?.kind).toBe('json')
})

test('defaults are what the form shows at first', () => {
  expect(defaultsOf(fields)).toEqual({ count: 1, version: 2, address: {} })
})

test('what is left empty is left out, but a required group', () => {
  const values = { order: 'SO-1', notes: '', amount: null, tags: [], address: { city: '' }, more: '', gift: false }
  expect(inputOf(fields, values)).toEqual({ order: 'SO-1', address: {}, gift: false })
})

test('input, form, input: nothing is lost, not even what the schema does not know', () => {
  const input = { order: 'SO-1', address: { city: '北京', zip: 1 }, more: { a: [1] }, tags: ['x'], unknown: { b: 1 } }
  expect(valuesOf(fields, input).more).toBe('{\n  "a": [\n    1\n  ]\n}')
  expect(inputOf(fields, valuesOf(fields, input))).toEqual(input)
})

test('JSON that is none is said', () => {
  expect(() => inputOf(fields, { more: '{' })).toThrow(SyntaxError)
})

test('what a group requires is not missed while the group may be left out', () => {
  const address = { type: 'object', required: ['city'], properties: { city: { type: 'string' } } }
  const city = (required: string[]) => fieldsOf({ type: 'object', required, properties: { address } })?.[0]?.fields[0]
  expect(city([])?.required).toBe(false)
  expect(city(['address'])?.required).toBe(true)
})
