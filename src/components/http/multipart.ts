import { randomBytes } from 'node:crypto'
import { compareText } from '../../bloblang/index.ts'

const crlf = Buffer.from('\r\n')

/** The bodies of the parts of a `multipart/*` body (RFC 2046, section 5.1). Throws if the body is truncated. */
export function splitMultipart(body: Buffer, boundary: string): Buffer[] {
  const delimiter = Buffer.from(`--${boundary}`)
  const parts: Buffer[] = []
  let at = body.indexOf(delimiter)
  if (at < 0) throw new Error('multipart: NextPart: EOF')
  for (;;) {
    at += delimiter.length
    if (body.subarray(at, at + 2).toString() === '--') return parts
    const lineEnd = body.indexOf(crlf, at)
    if (lineEnd < 0) throw new Error('multipart: NextPart: EOF')
    const headersEnd = body.indexOf('\r\n\r\n', lineEnd)
    const next = body.indexOf(Buffer.concat([crlf, delimiter]), lineEnd)
    if (next < 0) throw new Error('multipart: NextPart: EOF')
    // A part may have no headers, in which case an empty line directly follows the delimiter.
    const start = headersEnd >= 0 && headersEnd < next ? headersEnd + 4 : lineEnd + 2
    parts.push(body.subarray(Math.min(start, next), next))
    at = next + 2
  }
}

export interface Part {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Builds a multipart body with sorted part headers, and its boundary. */
export function joinMultipart(parts: readonly Part[]): { boundary: string; body: Buffer } {
  const boundary = randomBytes(30).toString('hex')
  const pieces: Uint8Array[] = []
  for (const { headers, body } of parts) {
    const lines = Object.entries(headers)
      .toSorted(([a], [b]) => compareText(a, b))
      .map(([name, value]) => `${name}: ${value}\r\n`)
    pieces.push(Buffer.from(`--${boundary}\r\n${lines.join('')}\r\n`), body, crlf)
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`))
  return { boundary, body: Buffer.concat(pieces) }
}
