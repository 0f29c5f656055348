import { join } from 'node:path'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePorts } from '../servers/ports.ts'

type AzuriteKind = 'queue' | 'blob'

/** The command that starts a server of one kind with its data in a folder. */
export function azuriteCommand(kind: AzuriteKind, program: string, port: number, folder: string) {
  const args = ['--location', folder, `--${kind}Host`, '127.0.0.1', `--${kind}Port`, String(port), '--silent']
  return { program, args }
}

const azure: Family = {
  summary: 'Azure Storage, as Azurite imitates it in memory',
  folders: ['src/components/azure'],
  slow: true,
  npm: ['azurite@3.37.0'],
  async start({ npmBin, folder }) {
    const [queues, blobs] = await freePorts(2)
    const start = (kind: AzuriteKind, port: number) =>
      ServerProcess.start({
        ...azuriteCommand(kind, npmBin(`azurite-${kind}`), port, join(folder, kind)),
        ports: [port],
      })
    const servers = [await start('queue', queues), await start('blob', blobs)]
    return {
      environment: {
        PENSTOCK_TEST_AZURE_QUEUE: String(queues),
        PENSTOCK_TEST_AZURE_BLOB: String(blobs),
        // For tests that stop a server.
        PENSTOCK_TEST_AZURE_QUEUE_PROGRAM: npmBin('azurite-queue'),
        PENSTOCK_TEST_AZURE_BLOB_PROGRAM: npmBin('azurite-blob'),
      },
      close: async () => void (await Promise.all(servers.map(server => server.stop()))),
    }
  },
}

export default azure
