import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePorts } from '../servers/ports.ts'

const amqp09: Family = {
  summary: 'AMQP 0.9.1: RabbitMQ',
  folders: ['src/components/amqp09'],
  debian: { 'rabbitmq-server': 'rabbitmq-server' },
  async start({ folder }) {
    const [port, distribution, epmd] = await freePorts(3)
    const settings = join(folder, 'rabbitmq.conf')
    writeFileSync(
      settings,
      `listeners.tcp.1 = 127.0.0.1:${port}\nvm_memory_high_watermark.absolute = 1GB\ndisk_free_limit.absolute = 50MB\n`,
    )
    const plugins = join(folder, 'enabled_plugins')
    writeFileSync(plugins, '[].\n')
    const server = await ServerProcess.start({
      // Debian's `rabbitmq-server` in PATH changes to the user rabbitmq, which cannot write here.
      program: '/usr/lib/rabbitmq/bin/rabbitmq-server',
      args: [],
      ports: [port],
      environment: {
        HOME: folder,
        RABBITMQ_NODENAME: `penstock-${port}@localhost`,
        RABBITMQ_DIST_PORT: String(distribution),
        // The port mapper of Erlang starts with the server and outlives it.
        ERL_EPMD_PORT: String(epmd),
        ERL_EPMD_ADDRESS: '127.0.0.1',
        RABBITMQ_CONFIG_FILE: settings,
        RABBITMQ_MNESIA_BASE: join(folder, 'data'),
        RABBITMQ_LOG_BASE: join(folder, 'log'),
        RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1',
      },
    })
    return {
      environment: { PENSTOCK_TEST_AMQP09: `amqp://guest:guest@127.0.0.1:${port}/` },
      async close() {
        await server.stop()
        spawnSync('epmd', ['-port', String(epmd), '-kill'])
      },
    }
  },
}

export default amqp09
