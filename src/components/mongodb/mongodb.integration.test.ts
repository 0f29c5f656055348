import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { after, test } from 'node:test'
import { MongoClient } from 'mongodb'
import { ferretdbCommand } from '../../../test/connectors/mongodb.family.ts'
import { openOwnServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { cacheContract } from '../../engine/contract/cache.suite.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { processorContract } from '../../engine/contract/processor.suite.ts'
import { rig } from '../contract/rig.suite.ts'

const url = process.env['PENSTOCK_TEST_MONGODB']

if (url === undefined) test('mongodb', { skip: 'no server: npm run test:connectors -- mongodb' })
else testMongo(url)

function testMongo(server: string): void {
  const client = new MongoClient(server)
  after(() => client.close())
  const { port } = new URL(server)
  const newName = () => `c_${randomUUID().slice(0, 8)}`
  const documents = (name: string) => client.db('test').collection(name).find().toArray()

  testOutages(
    'mongodb out',
    {
      port: Number(port),
      output: (collection, somePort) => ({
        mongodb: {
          url: `mongodb://127.0.0.1:${somePort}`,
          database: 'test',
          collection,
          operation: 'insert-one',
          document_map: 'root.body = content().string()',
        },
      }),
      async arrived(collection, somePort) {
        const own = new MongoClient(`mongodb://127.0.0.1:${somePort}`, { serverSelectionTimeoutMS: 1000 })
        try {
          const found = await own.db('test').collection(collection).find().toArray()
          return found.map(document => String(document['body']))
        } finally {
          await own.close()
        }
      },
    },
    () => openOwnServer({ command: ferretdbCommand }),
  )

  outputContract('mongodb', rig, {
    inFlight: 'many',
    without: { hold: 'the server cannot be made to wait' },
    async open() {
      const name = newName()
      const proxy = await startTcpProxy(Number(port))
      const map = 'root.body = content().string()\nroot._id = if content() == "poison" { [ 1 ] }'
      return {
        poison: 'poison',
        config: (maxInFlight = 64) =>
          `{ mongodb: { url: 'mongodb://127.0.0.1:${proxy.port}', database: test, collection: ${name}, operation: insert-one, document_map: ${JSON.stringify(map)}, max_in_flight: ${maxInFlight} } }`,
        delivered: async () => (await documents(name)).map(document => String(document['body'])),
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })

  inputContract('mongodb', rig, {
    ends: true,
    replays: true,
    reconnects: { never: 'a cursor ends with its connection; the engine reports it, and the input begins again' },
    resumes: true,
    async open() {
      const name = newName()
      const values = Array.from({ length: 20 }, (_, index) => ({ n: index + 1 }))
      await client
        .db('test')
        .collection(name)
        .insertMany(values.map(value => ({ ...value })))
      return {
        config: `{ mongodb: { url: '${server}', database: test, collection: ${name}, json_marshal_mode: relaxed, query: 'root = {}', sort: { n: 1 } }, processors: [ { mapping: root = this.without("_id") } ] }`,
        bodies: values.map(value => JSON.stringify(value)),
      }
    },
  })

  processorContract('mongodb', rig, {
    config: `{ mongodb: { url: '${server}', database: test, collection: ${newName()}, operation: update-one, upsert: true, filter_map: 'root._id = this.id', document_map: 'root."$set".seen = true' } }`,
    failing: 'no document',
  })

  cacheContract('mongodb', rig, {
    open: () => ({
      config: `{ mongodb: { url: '${server}', database: test, collection: ${newName()}, key_field: _id, value_field: v } }`,
    }),
  })

  test('mongodb: documents are inserted, updated, replaced and deleted', async () => {
    const name = newName()
    const common = { url: server, database: 'test', collection: name }
    const run = async (more: Readonly<Record<string, unknown>>, ...bodies: readonly string[]) => {
      const sender = await Sender.start({ mongodb: { ...common, ...more } })
      await sender.send(...bodies)
      await sender.close()
    }
    const filter = { filter_map: 'root._id = this.id' }
    await run(
      { operation: 'insert-one', document_map: 'root = {"_id": this.id, "n": {"$numberLong": "5"}}' },
      '{"id":1}',
      '{"id":2}',
      '{"id":3}',
      '{"id":4}',
    )
    await run({ operation: 'update-one', ...filter, document_map: 'root."$set".n = 6' }, '{"id":1}')
    await run(
      { operation: 'replace-one', ...filter, document_map: 'root.other = true', upsert: true },
      '{"id":2}',
      '{"id":9}',
    )
    await run({ operation: 'delete-one', ...filter }, '{"id":3}')
    await run({ operation: 'delete-many', filter_map: 'root.n = 5' }, '{}')
    assert.deepEqual(
      (await documents(name)).toSorted((left, right) => Number(left._id) - Number(right._id)),
      [
        { _id: 1, n: 6 },
        { _id: 2, other: true },
        { _id: 9, other: true },
      ],
    )
  })

  test('mongodb: only the rejected document of a batch fails, with the reason of the server', async () => {
    const name = newName()
    const sender = await Sender.start({
      mongodb: {
        url: server,
        database: 'test',
        collection: name,
        operation: 'insert-one',
        document_map: 'root._id = this.id',
      },
    })
    await assert.rejects(sender.send('{"id":1}', '{"id":1}', '{"id":2}', 'no document'), /duplicate key/)
    await sender.close()
    assert.deepEqual(
      (await documents(name)).map(({ _id }) => _id),
      [1, 2],
    )
  })

  test('mongodb: an invalid update rejected by the driver also fails alone', async () => {
    const name = newName()
    const sender = await Sender.start({
      mongodb: {
        url: server,
        database: 'test',
        collection: name,
        filter_map: 'root._id = this.id',
        document_map: 'root = this.change',
        upsert: true,
      },
    })
    const change = (id: number, body: string) => `{"id":${id},"change":${body}}`
    await assert.rejects(
      sender.send(change(1, '{"$set":{"n":1}}'), change(2, '{"n":1}'), change(3, '{"$set":{"n":1}}')),
      /atomic operators/,
    )
    await sender.close()
    assert.deepEqual(
      (await documents(name)).map(({ _id }) => _id),
      [1, 3],
    )
  })

  test('mongodb: documents are read as canonical extended JSON, in batches of the configured size', async () => {
    const name = newName()
    await client
      .db('test')
      .collection<{ _id: number; f: number; at: Date }>(name)
      .insertMany(Array.from({ length: 5 }, (_, index) => ({ _id: index, f: 1.5, at: new Date(0) })))
    const receiver = await Receiver.start({
      mongodb: { url: server, database: 'test', collection: name, query: 'root = {}', batch_size: 2 },
    })
    const first = await receiver.next()
    assert.equal(first.texts.length, 2)
    assert.equal(
      first.texts[0],
      '{"_id":{"$numberInt":"0"},"f":{"$numberDouble":"1.5"},"at":{"$date":{"$numberLong":"0"}}}',
    )
    assert.equal(first.batch[0]!.metadata.get('mongo_collection'), name)
    first.answer()
    await receiver.collectDistinct(3)
    await receiver.close()
  })

  test('mongodb: an unreachable server is named, and a missing mapping keeps the stream from starting', async () => {
    const config = { url: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200', database: 'd', collection: 'c' }
    const processors = [{ mongodb: { ...config, document_map: 'root = this' } }]
    await assert.rejects(
      Sender.start({ drop: {} }, { pipeline: { processors } }),
      /ping failed: .*connection refused|ECONNREFUSED/,
    )
    await assert.rejects(
      Sender.start({ mongodb: { ...config, operation: 'insert-one' } }),
      /document_map must be specified/,
    )
  })
}
