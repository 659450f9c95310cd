import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApiError, errorOf, fieldProblem, type Problem } from '@/api/problem'
import { ProblemView } from '@/parts/ProblemView'
import { speak } from '@/words/language'
import { failure } from './failure'
import { sentenceOf } from './line'
import { retold } from './retell'

beforeEach(() => speak('zh'))
afterEach(() => speak('en'))

const KIND = 'urn:tradefree:problem:'
const problem = (more: Partial<Problem>) =>
  new ApiError({ type: `${KIND}conflict`, title: 'No', status: 409, detail: 'a reason', errors: [], ...more })
const shown = (error: unknown) => renderToString(<ProblemView error={error} />)

test('a sentence is said in Chinese only, of known codes only, and only with all its facts', () => {
  const sentences = { a: '共 {{n}} 个' }
  expect(retold(sentences, 'a', { n: 3 })).toBe('共 3 个')
  expect(retold(sentences, 'a', { m: 3 })).toBeUndefined()
  expect(retold(sentences, 'a')).toBeUndefined()
  expect(retold(sentences, 'toString', {})).toBeUndefined()
  expect(retold(sentences, null)).toBeUndefined()
  speak('en')
  expect(retold(sentences, 'a', { n: 3 })).toBeUndefined()
})

test('a problem is told in Chinese by its type and code; the service’s words stay where they say more', () => {
  const used = shown(problem({ code: 'used_by_types', facts: { names: 'a, b' } }))
  expect(used).toContain('现在无法执行此操作')
  expect(used).toContain('以下任务类型正在使用它：a, b。')
  expect(used).not.toContain('a reason')
  expect(shown(problem({}))).toContain('a reason')
  expect(shown(problem({ type: `${KIND}new-kind`, title: 'A new kind' }))).toContain('A new kind')
})

test('an answer of a proxy is told by its status', () => {
  expect(shown(errorOf('<html>', new Response(null, { status: 502, statusText: 'Bad Gateway' })))).toContain('网关')
  expect(shown(errorOf('<html>', new Response(null, { status: 418, statusText: 'Teapot' })))).toContain('Teapot')
})

test('a field’s reason is told in Chinese by its code', () => {
  const errors = [
    { field: 'name', reason: 'should have at most 63 characters', code: 'string_too_long', facts: { max_length: 63 } },
    { field: 'rate', reason: 'is odd' },
  ]
  const error = problem({ status: 422, type: `${KIND}invalid-input`, detail: 'twice the same', errors })
  expect(fieldProblem(error, 'name').help).toBe('至多 63 个字符')
  expect(fieldProblem(error, 'rate').help).toBe('is odd')
  expect(shown(error)).toContain('至多 63 个字符')
  expect(shown(error)).not.toContain('twice the same')
})

test('in English the service’s own words stand', () => {
  speak('en')
  const text = shown(problem({ code: 'used_by_types', facts: { names: 'a, b' } }))
  expect(text).toContain('No')
  expect(text).toContain('a reason')
})

const line = (event: string, data: Record<string, unknown> | null, message = 'as stored') => ({
  ...{ id: 1, created_at: '2026-01-31T08:00:00Z', level: 'info' as const, attempt: 2 },
  ...{ event, data, message },
})

test('of several sentences the first that has its facts is said', () => {
  const sentences = { a: ['{{by}} 取消', '已取消'] }
  expect(retold(sentences, 'a', { by: 'ann' })).toBe('ann 取消')
  expect(retold(sentences, 'a')).toBe('已取消')
})

test('a log line is told from its event, case and data', () => {
  expect(sentenceOf(line('task.completed', { seconds: '0.03' }))).toBe('已完成，用时 0.03 秒。')
  expect(sentenceOf(line('attempt.lost', { case: 'rerun' }))).toContain('重新启动')
  expect(sentenceOf(line('dify.node.finished', { title: '译', elapsed_time: 0.10051 }))).toBe('译 完成，用时 0.1 秒。')
  const failed = { code: 'timeout', error: 'It took 5 s.', wait: '2.0', failures: 1, budget: 3 }
  expect(sentenceOf(line('attempt.failed', failed))).toBe(
    '第 2 次尝试失败，2.0 秒后再试（已用 1 / 3 次）：超过了时限。',
  )
})

test('a line that cannot be told anew stays as it is stored', () => {
  expect(sentenceOf(line('my.own', { n: 1 }))).toBe('as stored')
  expect(sentenceOf(line('attempt.lost', null))).toBe('as stored')
  expect(sentenceOf(line('attempt.lost', { case: 'new' }))).toBe('as stored')
  speak('en')
  expect(sentenceOf(line('task.completed', { seconds: '0.03' }))).toBe('as stored')
})

test('a failure is told by its code, with the service’s words where they say more', () => {
  expect(failure('expired', 'Its expiry time passed.')).toBe('等待期间已过有效期。')
  expect(failure('dify_rejected', 'No such app.')).toBe('Dify 拒绝了请求：No such app.')
  expect(failure('my_code', 'Mine.')).toBe('Mine.')
  speak('en')
  expect(failure('expired', 'Its expiry time passed.')).toBe('Its expiry time passed.')
})
