import type { Readable } from 'node:stream'
import type { HttpTransport } from '../../engine/index.ts'
import { packed } from './packed-text.ts'

/** How long a response may take as a whole. */
const RESPONSE_MS = 60_000
/** How long its body may be. */
const MAX_BODY_MIB = 32

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
      headers: Object.fromEntries(texts),
      body: body === '' ? null : Buffer.from(body),
      timeoutMs: RESPONSE_MS,
      signal: AbortSignal.any([signal, AbortSignal.timeout(RESPONSE_MS)]),
    })
    return packed(JSON.stringify({ status: response.statusCode, body: await textOf(response.body) }))
  }
}

async function textOf(body: Readable): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  // Leaving the loop destroys the body, and with it the connection.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_BODY_MIB * 1024 * 1024) throw new Error(`the response is longer than ${MAX_BODY_MIB} MiB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
