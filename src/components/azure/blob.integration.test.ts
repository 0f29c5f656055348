import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { after, test } from 'node:test'
import { Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { nullLog, systemClock } from '../../base/index.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import type { Resources } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { elements, elementText } from '../../storage/index.ts'
import { rig } from '../contract/rig.suite.ts'
import { AzureStorage } from './storage-client.ts'

/** The account that every emulator has, and whose key Microsoft publishes. */
const account = 'devstoreaccount1'
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

const given = process.env['PENSTOCK_TEST_AZURE_BLOB']

if (given === undefined) test('Azure blobs', { skip: 'needs a server: npm run test:connectors -- azure' })
else testBlobs(Number(given))

function testBlobs(port: number): void {
  const own = (ownPort = port) => ({
    storage_connection_string: `AccountName=${account};AccountKey=${key};BlobEndpoint=http://127.0.0.1:${ownPort}/${account};`,
  })
  const newId = () => `t-${randomUUID().slice(0, 8)}`
  const config = { storage_account: '', storage_access_key: '', storage_sas_token: '', ...own() }
  const parts: Partial<Resources> = { host: systemHost, clock: systemClock, log: nullLog }
  const storage = new AzureStorage(config, 'blob', parts as Resources) // it uses no other part
  after(() => storage.close())
  const read = async (container: string, blob: string) =>
    (await storage.request({ operation: 'GetBlob', method: 'GET', path: [container, blob] })).text
  const names = async (container: string) => {
    const call = { operation: 'ListBlobs', method: 'GET', path: [container] } as const
    const { text } = await storage.request({ ...call, query: { comp: 'list', restype: 'container' } })
    return elements(text, 'Blob').map(blob => elementText(blob, 'Name')!)
  }

  test('azure_blob_storage: a container that is not there is made, and messages become blobs', async () => {
    const container = newId()
    const sender = await Sender.start({
      azure_blob_storage: { ...own(), container, path: 'a b/${! content() }.txt', public_access_level: 'BLOB' },
    })
    await sender.send('ü', 'two')
    assert.deepEqual(await names(container), ['a b/two.txt', 'a b/ü.txt'])
    assert.equal(await read(container, 'a b/ü.txt'), 'ü')
    await sender.close()
  })

  test('azure_blob_storage: messages are appended to a blob in their order', async () => {
    const container = newId()
    const sender = await Sender.start({ azure_blob_storage: { ...own(), container, path: 'log', blob_type: 'APPEND' } })
    await sender.send('1', '2')
    await sender.send('3')
    assert.equal(await read(container, 'log'), '123')
    await sender.close()
  })

  outputContract('azure_blob_storage', rig, {
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const container = newId()
      await storage.request({
        operation: 'CreateContainer',
        method: 'PUT',
        path: [container],
        query: { restype: 'container' },
      })
      const proxy = await startTcpProxy(port)
      return {
        config: (maxInFlight = 64) =>
          JSON.stringify({
            azure_blob_storage: {
              ...own(proxy.port),
              container: `\${! if content() == "poison" { throw("refused") } else { "${container}" } }`,
              path: '${! timestamp_unix_nano() }-${! count("blobs") }',
              max_in_flight: maxInFlight,
            },
          }),
        poison: 'poison',
        delivered: async () => {
          const found = await names(container)
          return Promise.all(found.toSorted().map(name => read(container, name)))
        },
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })
}
