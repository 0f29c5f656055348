import { fileURLToPath } from 'node:url'
import { freePort } from '../servers/ports.ts'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'

const clickhouse: Family = {
  summary: 'ClickHouse, as the library chDB behind its HTTP interface',
  folders: ['src/components/sql'],
  pypi: ['chdb==4.4.0'],
  async start({ pythonBin }) {
    const port = await freePort()
    const server = await ServerProcess.start({
      program: pythonBin('python'),
      args: [fileURLToPath(new URL('../servers/clickhouse-server.py', import.meta.url)), String(port)],
      ports: [port],
    })
    return {
      environment: { PENSTOCK_TEST_CLICKHOUSE: `http://default:secret@127.0.0.1:${port}/default` },
      close: () => server.stop(),
    }
  },
}

export default clickhouse
