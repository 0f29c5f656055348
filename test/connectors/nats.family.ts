import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeAuthority } from '../servers/certificates.ts'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePorts } from '../servers/ports.ts'

const nats: Family = {
  summary: 'NATS with JetStream, and one that wants a password and TLS',
  folders: ['src/components/nats'],
  debian: { 'nats-server': 'nats-server' },
  async start({ folder }) {
    const [open, guarded] = await freePorts(2)
    const serve = (port: number, ...more: readonly string[]) =>
      ServerProcess.start({
        program: 'nats-server',
        args: ['--addr', '127.0.0.1', '--port', String(port), ...more],
        ports: [port],
      })
    const authority = await makeAuthority()
    const { cert, key } = await authority.issue('localhost')
    const file = (name: string, text: string) => {
      const path = join(folder, name)
      writeFileSync(path, text)
      return path
    }
    const tls = ['--tls', '--tlscert', file('cert.pem', cert), '--tlskey', file('key.pem', key)]
    const servers = [
      await serve(open, '--jetstream', '--store_dir', join(folder, 'jetstream')),
      await serve(guarded, '--user', 'reader', '--pass', 'open sesame', ...tls),
    ]
    return {
      environment: {
        PENSTOCK_TEST_NATS: `nats://127.0.0.1:${open}`,
        PENSTOCK_TEST_NATS_GUARDED: `nats://reader:open%20sesame@localhost:${guarded}`,
        PENSTOCK_TEST_NATS_CA: file('ca.pem', authority.ca),
      },
      async close() {
        for (const server of servers) await server.stop()
      },
    }
  },
}

export default nats
