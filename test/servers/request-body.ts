import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

/** The body of a request; null where its client went away in the middle of it, as one does that is killed. */
export async function bodyOf(request: IncomingMessage): Promise<string | null> {
  try {
    return await text(request)
  } catch (error) {
    if (request.complete) throw error
    return null
  }
}
