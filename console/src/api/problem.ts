import reasons from '@/retold/reasons.json'
import { retold } from '@/retold/retell'
import type { components } from './schema'

export type Problem = components['schemas']['Problem']
type FieldProblem = components['schemas']['FieldProblem']

/** An answer that is a problem document (RFC 9457), or none at all: then `status` is 0. */
export class ApiError extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }

  get status(): number {
    return this.problem.status
  }
}

/** The error of an answer whose body may be anything: a proxy's page, nothing, or a problem. */
export function errorOf(body: unknown, response: Response): ApiError {
  if (isProblem(body)) return new ApiError(body)
  const title = response.statusText || `HTTP ${response.status}`
  return new ApiError({ type: 'about:blank', title, status: response.status, detail: '', errors: [] })
}

export function unreachable(): ApiError {
  return new ApiError({ type: 'about:blank', title: '', status: 0, detail: '', errors: [] })
}

/** Why a value was refused, in the language that is chosen. */
export function reasonOf({ reason, code, facts }: FieldProblem): string {
  return retold(reasons, code, facts) ?? reason
}

/** The reason why the field was refused, if it was. */
export function reasonFor(error: unknown, field: string): string | undefined {
  if (!(error instanceof ApiError)) return undefined
  const found = error.problem.errors?.find((one) => one.field === field || one.field.startsWith(`${field}/`))
  return found && reasonOf(found)
}

interface Refused {
  validateStatus?: 'error'
  help?: string
  extra?: string
}

/** The same for a form's field, in Ant Design's words; `help` stands there as long as nothing is wrong. */
export function fieldProblem(error: unknown, field: string, help?: string): Refused {
  const reason = reasonFor(error, field)
  if (reason) return { validateStatus: 'error', help: reason }
  return help === undefined ? {} : { extra: help }
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'title' in body && 'status' in body && 'detail' in body
}
