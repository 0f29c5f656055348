import { text } from 'node:stream/consumers'
import { HttpTransport } from '../../engine/index.ts'
import { packed } from './packed-text.ts'

/** How long the head of a response may take. */
const RESPONSE_MS = 60_000

/** What `v0_fetch` of a script sends: as JSON, as its answer is. */
interface Request {
  readonly url: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly method: string
  readonly body: string
}

/** The function of scripts that sends requests. */
export function fetchFor(transport: HttpTransport, signal: AbortSignal): (request: string) => Promise<string> {
  return async request => {
    const { url, headers = {}, method, body } = JSON.parse(request) as Request // written by prelude.ts
    const texts = Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : ''])
    const response = await transport.request(url, {
      method,
      headers: Object.fromEntries(texts) as Record<string, string>,
      body: body === '' ? null : Buffer.from(body),
      timeoutMs: RESPONSE_MS,
      signal,
    })
    return packed(JSON.stringify({ status: response.statusCode, body: await text(response.body) }))
  }
}
