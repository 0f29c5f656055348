// How the bulk outputs behave while their server, or the path to it, is down.
import process from 'node:process'
import { after, test } from 'node:test'
import { type OwnServer, testFullServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { BulkServer } from './bulk-server.suite.ts'

if (process.env['PENSTOCK_TEST_HTTP'] === undefined) {
  test('outages of search servers', { skip: 'takes a minute: npm run test:connectors -- http' })
} else await testSearch()

async function testSearch(): Promise<void> {
  const servers = new Map<number, BulkServer>()
  const open = async (): Promise<OwnServer> => {
    const server = await new BulkServer().listen()
    const port = Number(new URL(server.url).port)
    servers.set(port, server)
    return {
      port,
      start: async () => void (await server.listen(port)),
      end: () => server.close(),
      close: () => server.close(),
      async fill() {
        server.isFull = true
      },
      async free() {
        server.isFull = false
      },
    }
  }
  const stays = await open()
  after(() => stays.close())
  for (const name of ['elasticsearch_v2', 'opensearch']) {
    const cases = {
      port: stays.port,
      output: (index: string, port: number) => ({
        [name]: { urls: [`http://127.0.0.1:${port}`], index, id: '${! content() }', action: 'index' },
      }),
      arrived: (index: string, port: number) =>
        Promise.resolve(servers.get(port)!.documents.flatMap(each => (each.index === index ? [each.id!] : []))),
    }
    testOutages(`${name} out`, cases, open)
    testFullServer(`${name} out`, cases, open)
  }
}
