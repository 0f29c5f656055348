import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeAuthority } from '../servers/certificates.ts'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePorts } from '../servers/ports.ts'

const redis: Family = {
  summary: 'Redis: alone, with a password, with TLS, a cluster of two, one with a sentinel',
  folders: ['src/components/redis'],
  debian: { 'redis-server': 'redis-server' },
  async start({ folder }) {
    const ports = await freePorts(8)
    const [open, guarded, encrypted, sentinel, ...members] = ports
    const servers: ServerProcess[] = []
    const serve = async (port: number, ...more: readonly string[]) => {
      const bound = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder]
      servers.push(await ServerProcess.start({ program: 'redis-server', args: [...bound, ...more], ports: [port] }))
    }
    await serve(open)
    await serve(guarded, '--requirepass', 'open sesame')
    const ca = await serveTls(folder, files =>
      serve(encrypted, '--port', '0', '--tls-port', String(encrypted), ...files),
    )
    const settings = join(folder, 'sentinel.conf')
    writeFileSync(settings, `sentinel monitor mymaster 127.0.0.1 ${open} 1\n`)
    servers.push(
      await ServerProcess.start({
        program: 'redis-server',
        args: [settings, '--sentinel', '--port', String(sentinel), '--bind', '127.0.0.1', '--dir', folder],
        ports: [sentinel],
      }),
    )
    const [first, second, firstBus, secondBus] = members
    await serve(first, ...clusterMember(first, firstBus))
    await serve(second, ...clusterMember(second, secondBus))
    formCluster(first, second, secondBus)
    return {
      environment: {
        PENSTOCK_TEST_REDIS: `redis://127.0.0.1:${open}`,
        PENSTOCK_TEST_REDIS_GUARDED: `redis://:open%20sesame@127.0.0.1:${guarded}`,
        PENSTOCK_TEST_REDIS_TLS: `redis://localhost:${encrypted}`,
        PENSTOCK_TEST_REDIS_CA: ca,
        PENSTOCK_TEST_REDIS_SENTINEL: `redis://127.0.0.1:${sentinel}`,
        PENSTOCK_TEST_REDIS_CLUSTER: `redis://127.0.0.1:${first}`,
      },
      async close() {
        for (const server of servers) await server.stop()
      },
    }
  },
}

export default redis

/** Starts a server with a certificate through `serve`; returns the path of its authority's certificate. */
async function serveTls(folder: string, serve: (settings: readonly string[]) => Promise<void>): Promise<string> {
  const authority = await makeAuthority()
  const { cert, key } = await authority.issue('localhost')
  const file = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const ca = file('ca.pem', authority.ca)
  const own = ['--tls-cert-file', file('cert.pem', cert), '--tls-key-file', file('key.pem', key)]
  await serve([...own, '--tls-ca-cert-file', ca, '--tls-auth-clients', 'no'])
  return ca
}

function clusterMember(port: number, busPort: number): readonly string[] {
  const file = `nodes-${port}.conf`
  return ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-config-file', file]
}

/** Assigns half of the slots to each of two servers, and waits until both have learned it. */
function formCluster(first: number, second: number, secondBus: number): void {
  const ask = (port: number, ...command: readonly (string | number)[]) =>
    spawnSync('redis-cli', ['-p', String(port), ...command.map(String)], { encoding: 'utf8' }).stdout
  ask(second, 'CLUSTER', 'SET-CONFIG-EPOCH', 2)
  ask(first, 'CLUSTER', 'ADDSLOTSRANGE', 0, 8191)
  ask(second, 'CLUSTER', 'ADDSLOTSRANGE', 8192, 16383)
  ask(first, 'CLUSTER', 'MEET', '127.0.0.1', second, secondBus)
  for (let attempt = 0; attempt < 300; attempt++) {
    if ([first, second].every(port => ask(port, 'CLUSTER', 'INFO').includes('cluster_state:ok'))) return
    spawnSync('sleep', ['0.1'])
  }
  throw new Error(`the cluster does not form: ${ask(first, 'CLUSTER', 'INFO')}`)
}
