import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePorts } from '../servers/ports.ts'

const memcached: Family = {
  summary: 'memcached: two servers',
  folders: ['src/components/memcached'],
  debian: { memcached: 'memcached' },
  async start() {
    const ports = await freePorts(2)
    const servers: ServerProcess[] = []
    for (const port of ports) {
      const args = ['-l', '127.0.0.1', '-p', String(port), '-U', '0', '-u', 'nobody']
      servers.push(await ServerProcess.start({ program: 'memcached', args, ports: [port] }))
    }
    return {
      environment: { PENSTOCK_TEST_MEMCACHED: ports.map(port => `127.0.0.1:${port}`).join(',') },
      async close() {
        for (const server of servers) await server.stop()
      },
    }
  },
}

export default memcached
