import type { Server } from 'node:net'

/** Makes a server listen and resolves to its port; port 0 picks a free one. Rejects when the address cannot be used. */
export function listenOn(server: Server, address: { readonly host?: string; readonly port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, () => {
      server.off('error', reject)
      const bound = server.address()
      resolve(typeof bound === 'object' && bound !== null ? bound.port : address.port)
    })
  })
}
