import type { IncomingMessage, ServerResponse } from 'node:http'

/** The headers of an error response, which browsers display as plain text. */
const errorHeaders = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }

/** The limit for the body of an API request. */
const maxBodyBytes = 16 * 1024 * 1024

/** The body of a request exceeds the limit. */
export class BodyTooLongError extends Error {
  constructor() {
    super(`the body is longer than ${maxBodyBytes} bytes`)
    this.name = 'BodyTooLongError'
  }
}

/** Responds with an error in the form of Go's `http.Error`, which the original uses: one line of plain text. */
export function answerError(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, errorHeaders).end(`${text}\n`)
}

/** Reads the body of an API request. Rejects with {@link BodyTooLongError}. */
export async function bodyText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bodyBytes = 0
  for await (const chunk of request) {
    bodyBytes += chunk.length
    if (bodyBytes > maxBodyBytes) throw new BodyTooLongError()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
