import { freePorts, ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'

const azure: Family = {
  summary: 'Azure Storage, as Azurite imitates it in memory',
  folders: ['src/components/azure'],
  npm: ['azurite@3.37.0'],
  async start({ npmBin, folder }) {
    const [port] = (await freePorts(1)) as [number]
    const server = await ServerProcess.start({
      program: npmBin('azurite-queue'),
      args: ['--location', folder, '--queueHost', '127.0.0.1', '--queuePort', String(port), '--silent'],
      ports: [port],
    })
    return { environment: { PENSTOCK_TEST_AZURE_QUEUE: String(port) }, close: () => server.stop() }
  },
}

export default azure
