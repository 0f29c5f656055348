import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createServer as createSocketServer, type ListenOptions } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Listening } from '../engine/index.ts'

/** Servers on any address. */
export const openListening: Listening = {
  httpServer(handle, takesUpgrade, tls) {
    const options = { shouldUpgradeCallback: takesUpgrade }
    return tls === undefined ? createServer(options, handle) : createSecureServer({ ...options, ...tls }, handle)
  },
  socketServer: (handle, tls) => (tls === undefined ? createSocketServer(handle) : createTlsServer(tls, handle)),
  datagrams: (type, options) =>
    new Promise((resolve, reject) => {
      const socket = createSocket(type)
      socket.once('error', reject)
      socket.bind(options, () => {
        socket.off('error', reject)
        resolve(socket)
      })
    }),
  start: (server, options) =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(options, () => {
        server.off('error', reject)
        resolve()
      })
    }),
}

/** Servers on the addresses that pass `check`, which throws a refusal. */
export function checkedListening(check: (address: string) => void): Listening {
  return {
    httpServer: openListening.httpServer,
    socketServer: openListening.socketServer,
    datagrams: async (type, options) => (
      check(addressOf({ port: options.port, host: options.address ?? '' })),
      await openListening.datagrams(type, options)
    ),
    start: async (server, options) => (check(addressOf(options)), await openListening.start(server, options)),
  }
}

/** Formats the options as `host:port`, or as the path of a socket. */
export function addressOf({ host = '', port, path }: ListenOptions): string {
  return path ?? `${host.includes(':') ? `[${host}]` : host}:${port ?? 0}`
}
