import { expect, test } from 'vitest'
import { differences } from './differences'

test('fields that came, went and changed', () => {
  const before = { a: 1, b: { c: [1, 2], d: 'x' }, gone: true }
  const after = { a: 1, b: { c: [1, 3], d: 'x' }, come: null }
  expect(differences(before, after)).toEqual([
    { path: 'b.c', before: [1, 2], after: [1, 3] },
    { path: 'gone', before: true, after: undefined },
    { path: 'come', before: undefined, after: null },
  ])
})

test('the same is no difference', () => {
  expect(differences({ a: [{ b: 1 }] }, { a: [{ b: 1 }] })).toEqual([])
})
