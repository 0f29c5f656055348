import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

/** The body of a request; null if the client disconnected before its end, as a killed client does. */
export async function bodyOf(request: IncomingMessage): Promise<string | null> {
  try {
    return await text(request)
  } catch (error) {
    if (request.complete) throw error
    return null
  }
}
