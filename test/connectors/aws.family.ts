import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePort } from '../servers/ports.ts'

const aws: Family = {
  summary: 'AWS, as moto imitates it in memory',
  folders: ['src/components/aws'],
  pypi: ['moto[server]==5.2.5'],
  async start({ pythonBin }) {
    const port = await freePort()
    const server = await ServerProcess.start({
      program: pythonBin('moto_server'),
      args: ['-H', '127.0.0.1', '-p', String(port)],
      ports: [port],
    })
    return { environment: { PENSTOCK_TEST_AWS: `http://127.0.0.1:${port}` }, close: () => server.stop() }
  },
}

export default aws
