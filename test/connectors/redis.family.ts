import { freePorts, ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'

const redis: Family = {
  summary: 'Redis: one server, and one that wants a password',
  folders: ['src/components/redis'],
  debian: { 'redis-server': 'redis-server' },
  async start({ folder }) {
    const [open, guarded] = (await freePorts(2)) as [number, number]
    const serve = (port: number, ...more: readonly string[]) =>
      ServerProcess.start({
        program: 'redis-server',
        args: ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...more],
        ports: [port],
      })
    const servers = [await serve(open), await serve(guarded, '--requirepass', 'open sesame')]
    return {
      environment: {
        PENSTOCK_TEST_REDIS: `redis://127.0.0.1:${open}`,
        PENSTOCK_TEST_REDIS_GUARDED: `redis://:open%20sesame@127.0.0.1:${guarded}`,
      },
      async close() {
        for (const server of servers) await server.stop()
      },
    }
  },
}

export default redis
