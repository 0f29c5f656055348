import type { ServerResponse } from 'node:http'
import type { StreamStatus } from '../runtime/stream.ts'

const text = { 'content-type': 'text/plain; charset=utf-8' }

/** Responds to `/ready` for one stream: `status` is undefined before it has started, `ended` is set once it is over. */
export function answerReady(response: ServerResponse, status: StreamStatus | undefined, ended: boolean): void {
  const waiting = [
    ...(status?.inputConnected === true ? [] : ['input']),
    ...(status?.outputConnected === true ? [] : ['output']),
  ]
  if (ended) response.writeHead(404, text).end('Stream terminated\n')
  else if (waiting.length === 0) response.writeHead(200, text).end('OK')
  else response.writeHead(503, text).end(waiting.map(name => `${name} not connected\n`).join(''))
}

/** Responds to `/ready` for many streams: `unready` lists those that run but are not connected. */
export function answerAllReady(response: ServerResponse, unready: readonly string[]): void {
  if (unready.length === 0) response.writeHead(200, text).end('OK')
  else response.writeHead(503, text).end(`streams ${unready.join(', ')} are not connected\n`)
}
