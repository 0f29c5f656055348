import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { ListenOptions } from 'node:net'
import type { Listening } from '../engine/index.ts'

/** Servers on any address. */
export const openListening: Listening = {
  httpServer: (handle, tls) => (tls === undefined ? createServer(handle) : createSecureServer(tls, handle)),
  start: (server, options) =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(options, () => {
        server.off('error', reject)
        resolve()
      })
    }),
}

/** Servers on the addresses for which `check` throws nothing. */
export function checkedListening(check: (address: string) => void): Listening {
  return {
    httpServer: openListening.httpServer,
    start: async (server, options) => (check(addressOf(options)), await openListening.start(server, options)),
  }
}

/** `host:port`, or the path of a socket. */
export function addressOf({ host = '', port, path }: ListenOptions): string {
  return path ?? `${host.includes(':') ? `[${host}]` : host}:${port ?? 0}`
}
