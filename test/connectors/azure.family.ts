import { join } from 'node:path'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePorts } from '../servers/ports.ts'

const azure: Family = {
  summary: 'Azure Storage, as Azurite imitates it in memory',
  folders: ['src/components/azure'],
  npm: ['azurite@3.37.0'],
  async start({ npmBin, folder }) {
    const [queues, blobs] = await freePorts(2)
    const start = (kind: 'queue' | 'blob', port: number) =>
      ServerProcess.start({
        program: npmBin(`azurite-${kind}`),
        args: [
          '--location',
          join(folder, kind),
          `--${kind}Host`,
          '127.0.0.1',
          `--${kind}Port`,
          String(port),
          '--silent',
        ],
        ports: [port],
      })
    const servers = [await start('queue', queues), await start('blob', blobs)]
    return {
      environment: { PENSTOCK_TEST_AZURE_QUEUE: String(queues), PENSTOCK_TEST_AZURE_BLOB: String(blobs) },
      close: async () => void (await Promise.all(servers.map(server => server.stop()))),
    }
  },
}

export default azure
