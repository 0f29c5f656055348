// How `http_client` behaves while its server, or the path to it, is down. Its other behaviour is tested in every run.
import { once } from 'node:events'
import { createServer } from 'node:http'
import process from 'node:process'
import { after, test } from 'node:test'
import { type OwnServer, testFullServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { freePort } from '../../../test/servers/ports.ts'
import { bodyOf } from '../../../test/servers/request-body.ts'

if (process.env['PENSTOCK_TEST_HTTP'] === undefined) {
  test('outages of HTTP', { skip: 'takes a minute: npm run test:connectors -- http' })
} else await testHttp()

async function testHttp(): Promise<void> {
  /** The bodies received on each path. */
  const taken = new Map<string, string[]>()
  const bodiesOf = (id: string) => taken.get(`/${id}`) ?? []
  const open = async (): Promise<OwnServer> => {
    const port = await freePort()
    let isFull = false
    const server = createServer((request, response) => {
      void (async () => {
        const body = await bodyOf(request)
        if (body === null) return
        if (isFull) response.statusCode = 507
        else taken.set(request.url!, [...(taken.get(request.url!) ?? []), body])
        response.end()
      })()
    })
    const start = async () => void (await once(server.listen(port, '127.0.0.1'), 'listening'))
    const end = async () => {
      if (!server.listening) return
      server.closeAllConnections()
      await once(server.close(), 'close')
    }
    const become = (full: boolean) => {
      isFull = full
      return Promise.resolve()
    }
    await start()
    return { port, start, end, close: end, fill: () => become(true), free: () => become(false) }
  }
  const stays = await open()
  after(() => stays.close())
  const cases = {
    port: stays.port,
    output: (id: string, port: number) => ({
      http_client: { url: `http://127.0.0.1:${port}/${id}`, verb: 'POST', retry_period: '100ms' },
    }),
    arrived: (id: string) => Promise.resolve(bodiesOf(id)),
  }
  testOutages('http_client out', cases, open)
  testFullServer('http_client out', cases, open)
}
