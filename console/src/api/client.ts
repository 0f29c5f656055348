import type { ApiError, ApiErrorCode, ApiName, ApiRequest, ApiResponse, Finding } from './types.ts'

/** A response other than 200, or no response at all (`status` 0, code `unreachable`). */
export class RequestError extends Error {
  readonly status: number
  readonly code: ApiErrorCode | 'unreachable'
  /** With `invalid_pipeline_configuration`: the findings with their positions. */
  readonly findings: readonly Finding[]

  constructor(
    status: number,
    error: { code: ApiErrorCode | 'unreachable'; message: string; findings?: readonly Finding[] },
    cause?: unknown,
  ) {
    super(error.message, { cause })
    this.name = 'RequestError'
    this.status = status
    this.code = error.code
    this.findings = error.findings ?? []
  }
}

/** Calls one endpoint. The browser sends the session's cookie. */
export async function call<Name extends ApiName>(
  name: Name,
  body: ApiRequest<Name>,
  signal?: AbortSignal,
): Promise<ApiResponse<Name>> {
  const response = await send(name, body, signal)
  const text = await response.text()
  if (response.status !== 200) throw new RequestError(response.status, readError(response.status, text))
  return JSON.parse(text) as ApiResponse<Name> // the control plane follows the contract
}

/** An error for display: the server's own text, as a sentence. */
export function errorText(error: unknown): string {
  return sentence(error instanceof Error ? error.message : String(error))
}

/** The text with an initial capital. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof RequestError && error.status === 401
}

export function isNotFound(error: unknown): boolean {
  return error instanceof RequestError && error.status === 404
}

export function isForbidden(error: unknown): boolean {
  return error instanceof RequestError && error.status === 403
}

async function send(name: string, body: unknown, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(`/api/v1/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      credentials: 'same-origin',
      signal: signal ?? null,
    })
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new RequestError(0, { code: 'unreachable', message: 'The control plane does not respond.' }, cause)
  }
}

/** A proxy in between may respond with something that is not ours. */
function readError(status: number, text: string): ApiError {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && 'code' in parsed && 'message' in parsed) {
      return parsed as ApiError // its fields were checked above
    }
  } catch (cause) {
    return { code: 'internal_error', message: `Status ${status}, not JSON (${errorText(cause)}).` }
  }
  return { code: 'internal_error', message: `The control plane responded with status ${status}.` }
}
