// A TCP proxy between a connector and its server: tests cut connections with it without touching the server.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  /** Ends every connection. New ones are accepted again at once, unless `refuse` is set. */
  cut(options?: { readonly refuse: boolean }): void
  /** Accepts connections again. */
  restore(): void
  close(): Promise<void>
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let refuses = false
  const server = createServer(socket => {
    if (refuses) {
      socket.destroy()
      return
    }
    const target = connect(targetPort, '127.0.0.1')
    for (const [from, to] of [
      [socket, target],
      [target, socket],
    ] as const) {
      sockets.add(from)
      from.setNoDelay(true)
      from.pipe(to)
      // The other side sees the end of the connection as its client would without the proxy.
      from
        .on('error', () => to.destroy())
        .on('close', () => {
          sockets.delete(from)
          to.destroy()
        })
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut({ refuse } = { refuse: false }) {
      refuses = refuse
      cut()
    },
    restore() {
      refuses = false
    },
    async close() {
      cut()
      await once(server.close(), 'close')
    },
  }
}
