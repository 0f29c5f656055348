// A TCP proxy between a connector and its server, with which tests cut connections without touching the server.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { portOf } from './ports.ts'

export interface TcpProxy {
  readonly port: number
  /** Number of connections accepted so far. */
  readonly accepted: number
  /** Number of connections refused. */
  readonly refused: number
  /** Ends every connection. New ones are accepted again immediately, unless `refuse` is set. */
  cut(options?: { readonly refuse: boolean }): void
  /** Accepts connections again. */
  restore(): void
  /** Keeps connections and accepts new ones, but forwards nothing until {@link resume}. */
  pause(): void
  resume(): void
  close(): Promise<void>
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let refuses = false
  let isPaused = false
  let accepted = 0
  let refused = 0
  /** Both directions of every connection: what is read from one socket is written to the other. */
  const directions = new Map<Socket, Socket>()
  const server = createServer(socket => {
    if (refuses) {
      refused++
      socket.destroy()
      return
    }
    accepted++
    const target = connect(targetPort, '127.0.0.1')
    for (const [from, to] of [
      [socket, target],
      [target, socket],
    ] as const) {
      directions.set(from, to)
      from.setNoDelay(true)
      if (!isPaused) from.pipe(to)
      // The other side sees the end of the connection as its client would without the proxy.
      from
        .on('error', () => to.destroy())
        .on('close', () => {
          directions.delete(from)
          to.destroy()
        })
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cut = () => {
    for (const socket of directions.keys()) socket.destroy()
  }
  return {
    port: portOf(server),
    get accepted() {
      return accepted
    },
    get refused() {
      return refused
    },
    cut({ refuse } = { refuse: false }) {
      refuses = refuse
      cut()
    },
    restore() {
      refuses = false
    },
    pause() {
      isPaused = true
      for (const [from, to] of directions) from.unpipe(to).pause()
    },
    resume() {
      isPaused = false
      for (const [from, to] of directions) from.pipe(to)
    },
    async close() {
      cut()
      await once(server.close(), 'close')
    },
  }
}
