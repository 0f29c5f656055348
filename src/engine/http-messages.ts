import type { IncomingMessage, ServerResponse } from 'node:http'

/** The headers of an error: browsers show it as it is. */
const errorHeaders = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }

/** What the body of one request to an API may hold. */
const maxBodyBytes = 16 * 1024 * 1024

/** A request whose body is longer than what an API takes. */
export class BodyTooLongError extends Error {
  constructor() {
    super(`the body is longer than ${maxBodyBytes} bytes`)
    this.name = 'BodyTooLongError'
  }
}

/** Answers with an error as Go's `http.Error` does, on which the original's answers rest: one line of plain text. */
export function answerError(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, errorHeaders).end(`${text}\n`)
}

/** The body of a request to an API. Rejects with {@link BodyTooLongError}. */
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
