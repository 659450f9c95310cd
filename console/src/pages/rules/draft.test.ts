import { expect, test } from 'vitest'
import { draftOf, mappingOf, ruleOf, said, type Trigger } from './draft'

const RULE: Trigger = {
  name: 'big-orders',
  description: '',
  event: 'com.example.order.created',
  filter: 'event.data.amount > 100',
  task_type: 'summarize-order',
  input: { order: 'event.data.order', deep: { list: [1, 'event.id'] } },
  key: null,
  priority: 3,
  delay: 90.5,
  labels: { shop: 'event.data.shop' },
  enabled: true,
}

test('a rule goes through the form and stays the same', () => {
  expect(ruleOf(draftOf(RULE), true)).toEqual(RULE)
  expect(ruleOf({ ...draftOf(RULE), delay: '2m' }, true).delay).toBe('2m')
})

test('an input is one expression or an object of them', () => {
  expect(mappingOf('')).toBe('event.data')
  expect(mappingOf(' event.data.order ')).toBe('event.data.order')
  expect(mappingOf('{"a": "event.id"}')).toEqual({ a: 'event.id' })
  expect(() => mappingOf('{"a": ')).toThrow(SyntaxError)
})

test('a new rule is told by what it says', () => {
  expect(said({ ...RULE, delay: 0, labels: {}, filter: null })).toEqual({
    name: RULE.name,
    event: RULE.event,
    task_type: RULE.task_type,
    input: RULE.input,
    priority: 3,
    enabled: true,
  })
})
