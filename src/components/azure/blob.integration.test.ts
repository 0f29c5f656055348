import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { azuriteCommand } from '../../../test/connectors/azure.family.ts'
import { openOwnServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { nullLog, systemClock } from '../../base/index.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { bodies } from '../../engine/contract/rig.ts'
import type { Resources } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { elements, elementText } from '../../storage/index.ts'
import { rig } from '../contract/rig.suite.ts'
import { AzureStorage } from './storage-client.ts'

/** The account of every emulator, whose key Microsoft publishes. */
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
  const folder = mkdtempSync(join(tmpdir(), 'penstock-blobs-'))
  after(() => rmSync(folder, { recursive: true }))
  const read = async (container: string, blob: string) =>
    (await storage.request({ operation: 'GetBlob', method: 'GET', path: [container, blob] })).text
  const names = async (container: string, at = storage) => {
    const call = { operation: 'ListBlobs', method: 'GET', path: [container] } as const
    const { text } = await at.request({ ...call, query: { comp: 'list', restype: 'container' } })
    return elements(text, 'Blob').map(blob => elementText(blob, 'Name')!)
  }

  test('azure_blob_storage: a missing container is created, and messages become blobs', async () => {
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

  const newContainer = async () => {
    const container = newId()
    const query = { restype: 'container' }
    await storage.request({ operation: 'CreateContainer', method: 'PUT', path: [container], query })
    return container
  }
  const put = async (container: string, blob: string, text: string, more: Readonly<Record<string, string>> = {}) => {
    const headers = { 'x-ms-blob-type': 'BlockBlob', 'content-type': 'text/plain', ...more }
    const body = Buffer.from(text)
    await storage.request({ operation: 'PutBlob', method: 'PUT', path: [container, blob], headers, body })
  }
  testOutages(
    'azure_blob_storage out',
    {
      port,
      output: (container, outputPort) => ({
        azure_blob_storage: { ...own(outputPort), container, path: '${! content() }' },
      }),
      async arrived(container, somePort) {
        // It uses no other part.
        const there = new AzureStorage({ ...config, ...own(somePort) }, 'blob', parts as Resources)
        try {
          return await names(container, there)
        } finally {
          await there.close()
        }
      },
    },
    () =>
      openOwnServer({
        command: (ownPort, folder) =>
          azuriteCommand('blob', process.env['PENSTOCK_TEST_AZURE_BLOB_PROGRAM']!, ownPort, folder),
        // The emulator writes to disk when it stops.
        stopsGently: true,
      }),
  )

  const logged = async (stream: { readonly log: readonly string[] }, pattern: RegExp) => {
    while (!pattern.test(stream.log.join('\n'))) await sleep(20)
  }

  test('azure_blob_storage: blobs are read in the order of their names, page after page, with their metadata', async () => {
    const container = await newContainer()
    const blobs = Array.from({ length: 205 }, (_, index) => `in/${String(index).padStart(3, '0')} ü+&`)
    for (const blob of [...blobs, 'out/x']) await put(container, blob, blob, { 'x-ms-meta-colour': 'blue' })
    const receiver = await Receiver.start({ azure_blob_storage: { ...own(), container, prefix: 'in/' } })
    const first = await receiver.next()
    first.answer()
    const { blob_storage_last_modified: modified, blob_storage_last_modified_unix: seconds } = Object.fromEntries(
      first.batch[0]!.metadata,
    )
    assert.deepEqual(
      ['key', 'container', 'content_type', 'content_encoding'].map(name =>
        first.batch[0]!.metadata.get(`blob_storage_${name}`),
      ),
      ['in/000 ü+&', container, 'text/plain', undefined],
    )
    assert.equal(first.batch[0]!.metadata.get('colour'), 'blue')
    assert.match(String(modified), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.equal(BigInt(Date.parse(String(modified)) / 1000), seconds)
    assert.deepEqual([...first.texts, ...(await receiver.collectDistinct(blobs.length - 1))], blobs)
    await receiver.done
    await receiver.close()
  })

  test('azure_blob_storage: a blob is deleted only once all of its messages are delivered', async () => {
    const container = await newContainer()
    await put(container, 'a', 'one\ntwo')
    const receiver = await Receiver.start({
      azure_blob_storage: { ...own(), container, delete_objects: true, scanner: { lines: {} } },
    })
    const [one, two] = [await receiver.next(), await receiver.next()]
    one.answer()
    two.answer(new Error('not now'))
    const again = await receiver.next()
    assert.deepEqual([again.texts, await names(container)], [['two'], ['a']])
    again.answer()
    await receiver.done
    await receiver.close()
    assert.deepEqual(await names(container), [])
  })

  test('azure_blob_storage: a blob whose connections are lost is read completely and once', async () => {
    const container = await newContainer()
    const lines = Array.from({ length: 60_000 }, (_, index) => `line ${index} ${'x'.repeat(100)}`)
    await put(container, 'large', lines.join('\n'))
    const proxy = await startTcpProxy(port)
    const receiver = await Receiver.start({
      azure_blob_storage: { ...own(proxy.port), container, scanner: { lines: {} } },
    })
    const received: string[] = []
    while (received.length < lines.length) {
      const next = await receiver.next()
      next.answer()
      received.push(...next.texts)
      if (received.length % 20_000 === 1) proxy.cut()
    }
    assert.deepEqual(received, lines)
    assert.match(receiver.log.join('\n'), /Reading 'large' was interrupted at byte \d+ and will resume there/)
    await receiver.done
    await receiver.close()
    await proxy.close()
  })

  test('azure_blob_storage: a container created later is read, and an unreachable server is waited for', async () => {
    const container = newId()
    const proxy = await startTcpProxy(port)
    const receiver = await Receiver.start({ azure_blob_storage: { ...own(proxy.port), container } })
    await logged(receiver, /ListBlobs: ContainerNotFound/)
    const query = { restype: 'container' }
    proxy.cut({ refuse: true })
    await storage.request({ operation: 'CreateContainer', method: 'PUT', path: [container], query })
    await put(container, 'a', 'at last')
    await logged(receiver, /ListBlobs: (?!ContainerNotFound)/)
    proxy.restore()
    assert.deepEqual(await receiver.collectDistinct(1), ['at last'])
    await receiver.close()
    await proxy.close()
  })

  test('azure_blob_storage: no blob is skipped while the server is away', async () => {
    const container = await newContainer()
    const blobs = Array.from({ length: 100 }, (_, index) => `blob ${index + 100}`)
    for (const blob of blobs) await put(container, blob, blob)
    const proxy = await startTcpProxy(port)
    const receiver = await Receiver.start({ azure_blob_storage: { ...own(proxy.port), container } })
    const first = await receiver.next()
    proxy.cut({ refuse: true })
    await logged(receiver, /GetBlob: /)
    proxy.restore()
    first.answer()
    assert.deepEqual([...first.texts, ...(await receiver.collectDistinct(blobs.length - 1))], blobs)
    await receiver.done
    await receiver.close()
    await proxy.close()
  })

  /** An input with one batch of names: a file that it deletes once they are acknowledged. */
  const naming = (...texts: readonly string[]) => {
    const file = join(folder, newId())
    writeFileSync(file, texts.join('\n'))
    const processors = [{ unarchive: { format: 'lines' } }, { mapping: 'root = content().string().parse_json()' }]
    return {
      targets_input: { file: { paths: [file], scanner: { to_the_end: {} }, delete_on_finish: true }, processors },
      isAcknowledged: () => !existsSync(file),
    }
  }

  test('azure_blob_storage: targets_input names the blobs, and is acknowledged once a whole batch is delivered', async () => {
    const container = await newContainer()
    for (const blob of ['a', 'b', 'c']) await put(container, blob, `text of ${blob}`)
    const { targets_input, isAcknowledged } = naming('{"name":"a"}', '{"other":"x"}', '{"name":"b"}')
    const config = { ...own(), container, delete_objects: true, targets_input }
    const receiver = await Receiver.start({ azure_blob_storage: config })
    const [a, b] = [await receiver.next(), await receiver.next()]
    assert.deepEqual([...a.texts, ...b.texts], ['text of a', 'text of b'])
    a.answer()
    b.answer(new Error('not now'))
    const again = [await receiver.next(), await receiver.next()]
    assert.deepEqual(
      again.map(({ texts }) => texts[0]),
      ['text of a', 'text of b'],
    )
    again[0]!.answer()
    assert.deepEqual([await names(container), isAcknowledged()], [['a', 'b', 'c'], false])
    again[1]!.answer()
    await receiver.done
    assert.deepEqual([await names(container), isAcknowledged()], [['c'], true])
    assert.match(receiver.log.join('\n'), /has no field `name`/)
    await receiver.close()
  })

  test('azure_blob_storage: a missing named blob is requested again, unless blobs are deleted', async () => {
    const container = await newContainer()
    const kept = naming('{"name":"later"}')
    const waiting = await Receiver.start({
      azure_blob_storage: { ...own(), container, targets_input: kept.targets_input },
    })
    await logged(waiting, /GetBlob: BlobNotFound/)
    await put(container, 'later', 'at last')
    assert.deepEqual(await waiting.collectDistinct(1), ['at last'])
    await waiting.done
    assert.ok(kept.isAcknowledged())
    await waiting.close()
    const { targets_input, isAcknowledged } = naming('{"name":"gone"}')
    const deleting = await Receiver.start({
      azure_blob_storage: { ...own(), container, targets_input, delete_objects: true },
    })
    await deleting.done
    assert.ok(isAcknowledged())
    assert.match(deleting.log.join('\n'), /The blob 'gone' is gone, and counts as delivered/)
    await deleting.close()
  })

  const sent = bodies(25)
  inputContract('azure_blob_storage', rig, {
    ends: true,
    replays: true,
    reconnects: true,
    resumes: true,
    async open() {
      const container = await newContainer()
      for (const body of sent) await put(container, body, body)
      const proxy = await startTcpProxy(port)
      const config = JSON.stringify({ azure_blob_storage: { ...own(proxy.port), container } })
      return { config, bodies: sent, cut: () => proxy.cut(), close: () => proxy.close() }
    },
    async plenty(texts) {
      const container = await newContainer()
      await put(container, 'large', texts.join('\n'))
      const config = JSON.stringify({ azure_blob_storage: { ...own(), container, scanner: { lines: {} } } })
      return { config, bodies: texts }
    },
  })

  outputContract('azure_blob_storage', rig, {
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const container = await newContainer()
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
