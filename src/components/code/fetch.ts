import type { Readable } from 'node:stream'
import type { HttpTransport } from '../../engine/index.ts'
import { packed } from './packed-text.ts'

/** Time limit of a whole response. */
const RESPONSE_MS = 60_000
/** Size limit of its body. */
const MAX_BODY_MIB = 32

/** The request of a script's `v0_fetch`, which is passed as JSON, like its response. */
interface Request {
  readonly url: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly method: string
  readonly body: string
}

/** Creates the function through which scripts send requests. */
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
