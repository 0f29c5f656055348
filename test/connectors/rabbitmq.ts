import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { makeAuthority } from '../servers/certificates.ts'
import { freePorts } from '../servers/ports.ts'
import { ServerProcess } from '../servers/server-process.ts'

export interface RabbitMq {
  readonly server: ServerProcess
  readonly port: number
  /** Accepts TLS only, with a certificate for `localhost`. */
  readonly tlsPort: number
  /** The path of the authority's certificate. */
  readonly authority: string
  /** Runs a command of `rabbitmqctl`. */
  control(...command: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** Starts RabbitMQ with its data in `folder` and the named plug-ins. Its user is `guest` with the password `guest`. */
export async function startRabbitMq(folder: string, plugins: readonly string[] = []): Promise<RabbitMq> {
  const [port, tlsPort, distribution, epmd] = await freePorts(4)
  const file = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const authority = await makeAuthority()
  const { cert, key } = await authority.issue('localhost')
  const authorityFile = file('ca.pem', authority.ca)
  const settings = [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
    `ssl_options.cacertfile = ${authorityFile}`,
    `ssl_options.certfile = ${file('cert.pem', cert)}`,
    `ssl_options.keyfile = ${file('key.pem', key)}`,
    'vm_memory_high_watermark.absolute = 1GB',
    'disk_free_limit.absolute = 50MB',
  ]
  const environment = {
    HOME: folder,
    RABBITMQ_NODENAME: `penstock-${port}@localhost`,
    // Erlang's port mapper starts with the server and outlives it.
    ERL_EPMD_PORT: String(epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  }
  const endPortMapper = () => spawnSync('epmd', ['-port', String(epmd), '-kill'])
  const server = await ServerProcess.start({
    // Debian's `rabbitmq-server` in PATH switches to the user rabbitmq, which cannot write here.
    program: '/usr/lib/rabbitmq/bin/rabbitmq-server',
    args: [],
    isScript: true,
    ports: [port, tlsPort],
    startTimeoutMs: 180_000,
    environment: {
      ...environment,
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_CONFIG_FILE: file('rabbitmq.conf', settings.join('\n')),
      RABBITMQ_MNESIA_BASE: join(folder, 'data'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_ENABLED_PLUGINS_FILE: file('enabled_plugins', `[${plugins.join(',')}].\n`),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1',
    },
  }).catch((error: unknown) => {
    endPortMapper()
    throw error
  })
  return {
    server,
    port,
    tlsPort,
    authority: authorityFile,
    async control(...command) {
      // Debian's `rabbitmqctl` in PATH switches to the user rabbitmq, who does not own this server.
      const env = { ...process.env, ...environment }
      await promisify(execFile)('/usr/lib/rabbitmq/bin/rabbitmqctl', [...command], { env })
    },
    async close() {
      await server.stop()
      endPortMapper()
    },
  }
}
