import type { WebSocket } from 'ws'
import { type Batch, defineOutput, field, NotConnectedError, type Output } from '../../engine/index.ts'
import { checkUrl, connectWebSocket, webSocketFields } from './websocket.ts'

export default defineOutput({
  name: 'websocket',
  status: 'stable',
  categories: ['Network'],
  summary: 'Connects to a WebSocket server and sends each message as a binary message.',
  description:
    'A message counts as delivered once it has been written to the connection. Messages from the server are discarded.',
  config: field.object(webSocketFields),
  examples: [
    {
      title: 'Authenticating with a token',
      config: "output:\n  websocket:\n    url: wss://example.com/in\n    headers:\n      Authorization: 'Bearer abc'\n",
    },
  ],
  maxInFlight: 1,
  create(config, resources): Output {
    checkUrl(config)
    let socket: WebSocket | null = null
    return {
      async connect(signal) {
        const opened = await connectWebSocket(config, resources, signal)
        opened.on('close', () => {
          if (socket === opened) socket = null
        })
        socket = opened
      },
      async write(batch) {
        if (socket === null) throw new NotConnectedError()
        await sendAll(socket, batch)
      },
      close() {
        socket?.close(1000)
      },
    }
  },
})

/** Resolves once everything is written; if it rejects, a new connection is needed. */
async function sendAll(socket: WebSocket, batch: Batch): Promise<void> {
  for (const message of batch) {
    await new Promise<void>((resolve, reject) =>
      socket.send(message.bytes(), { binary: true }, error =>
        error === undefined || error === null ? resolve() : reject(new NotConnectedError(error)),
      ),
    )
  }
}
