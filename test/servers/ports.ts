import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** The port on which a server listens. */
export function portOf(server: Pick<Server, 'address'>): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return address.port
}

/** Makes a server listen on a free loopback port, and resolves to that port. */
export async function listen(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return portOf(server)
}

/** A tuple of `Count` numbers. */
type Ports<Count extends number, List extends readonly number[] = []> = List['length'] extends Count
  ? List
  : Ports<Count, readonly [...List, number]>

/** Loopback ports that were free at the same moment. */
export async function freePorts<Count extends number>(count: Count): Promise<Ports<Count>> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(servers.map(listen))
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  return ports as readonly number[] as Ports<Count> // one port for each of `count` servers
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  return port
}
