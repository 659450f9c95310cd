import { expect, test } from 'vitest'
import { bodyOf, seen, undoable } from './values'

const before = {
  name: 'a',
  kind: 'dify',
  base_url: 'https://a/v1',
  api_key_set: true,
  max_running: 3,
  rate: null,
  burst: 1,
  max_pending: null,
  adaptive: false,
  options: { shown: 'nowhere' },
}

test('an empty key keeps the stored one, and nothing that the form does not show is lost', () => {
  const body = bodyOf({ ...before, api_key: '', rate: ' ' }, before)
  expect(body).toEqual(seen(before))
  expect('api_key' in body).toBe(false)
})

test('a new connection has its key', () => {
  expect(bodyOf({ name: 'a', base_url: 'https://a/v1', api_key: 'app-1' }, undefined)).toMatchObject({
    kind: 'dify',
    api_key: 'app-1',
    adaptive: true,
    burst: 1,
  })
})

test('another key or address cannot be undone: the old secret is nowhere', () => {
  expect(undoable(before, { ...before, max_running: 9 })).toBe(true)
  expect(undoable(before, { ...before, api_key: 'app-2' })).toBe(false)
  expect(undoable(before, { ...before, base_url: 'https://b/v1' })).toBe(false)
})
