import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import process from 'node:process'
import { after, test } from 'node:test'
import { CreateStreamCommand, KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis'
import { DynamoDBClient, PutItemCommand, ResourceNotFoundException, ScanCommand } from '@aws-sdk/client-dynamodb'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { testOutages } from '../../../test/connectors/outage-cases.ts'
import { type StreamCases, testStreams } from '../../../test/connectors/stream-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { bodies } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'
import { AwsFixture } from './fixture.suite.ts'
import { portOf } from '../../../test/servers/ports.ts'
import { until } from '../../base/until.suite.ts'

const address = process.env['PENSTOCK_TEST_AWS']

if (address === undefined) test('aws_kinesis input', { skip: 'needs a server: npm run test:connectors -- aws' })
else testKinesis(new AwsFixture(address))

function testKinesis(aws: AwsFixture): void {
  const kinesis = new KinesisClient({ ...aws.clientOptions(), requestHandler: new NodeHttpHandler() })
  const dynamo = new DynamoDBClient(aws.clientOptions())
  after(() => {
    kinesis.destroy()
    dynamo.destroy()
  })
  const newStream = async (StreamName: string, ShardCount = 1) => {
    await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount }))
    return StreamName
  }
  const put = (StreamName: string, text: string, PartitionKey = text) =>
    kinesis.send(new PutRecordCommand({ StreamName, PartitionKey, Data: Buffer.from(text) }))
  const input = (streams: string, more: object = {}, port = aws.port) => ({
    aws_kinesis: {
      streams: [streams],
      dynamodb: { table: `leases-${streams.replace(/[:,].*/, '')}`, create: true },
      commit_period: '200ms',
      rebalance_period: '300ms',
      lease_period: '1s',
      ...aws.session(port),
      ...more,
    },
  })
  const rowsOf = async (stream: string) => {
    const scan = new ScanCommand({ TableName: `leases-${stream}` })
    // The input creates the table.
    const { Items = [] } = await dynamo.send(scan).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundException) return { Items: [] }
      throw error
    })
    return Items.map(item => Object.fromEntries(Object.entries(item).map(([name, { S }]) => [name, S])))
  }

  const cases: StreamCases = {
    port: aws.port,
    prepare: async id => void (await newStream(id)),
    input: (id, port) => input(id, {}, port),
    output: (id, port) => ({
      aws_kinesis: { stream: id, partition_key: 'x', max_in_flight: 1, ...aws.session(port) },
    }),
  }
  testStreams('aws_kinesis', cases)
  // The server loses its state when it stops.
  testOutages('aws_kinesis', cases)

  test('aws_kinesis: records carry their position, which is stored in the format of the original', async () => {
    const stream = await newStream(aws.newId())
    await put(stream, 'hello', 'key')
    const receiver = await Receiver.start(input(stream))
    const received = await receiver.next()
    const { metadata } = received.batch[0]!
    assert.deepEqual(
      ['kinesis_stream', 'kinesis_shard', 'kinesis_partition_key'].map(name => metadata.get(name)),
      [stream, 'shardId-000000000000', 'key'],
    )
    const sequence = String(metadata.get('kinesis_sequence_number'))
    received.answer()
    await until(async () => (await rowsOf(stream))[0]?.['SequenceNumber'] === sequence)
    const [row] = await rowsOf(stream)
    assert.deepEqual([row?.['StreamID'], row?.['ShardID']], [stream, 'shardId-000000000000'])
    assert.match(row?.['ClientID'] ?? '', /^[0-9a-f]{32}$/)
    assert.ok(Date.parse(row?.['LeaseTimeout'] ?? '') > Date.now() - 60_000)
    await receiver.close()
    assert.deepEqual(await rowsOf(stream), [
      { StreamID: stream, ShardID: 'shardId-000000000000', SequenceNumber: sequence },
    ])
  })

  test('aws_kinesis: two clients share the shards of a stream, and each record comes to one of them', async () => {
    const stream = await newStream(aws.newId(), 4)
    const first = await Receiver.start(input(stream))
    await until(async () => (await rowsOf(stream)).length === 4)
    const second = await Receiver.start(input(stream))
    await until(async () => {
      const clients = (await rowsOf(stream)).map(row => row['ClientID'])
      return clients.filter(client => client === clients[0]).length === 2
    })
    const texts = Array.from({ length: 40 }, (_, index) => `m${index}`)
    for (const text of texts) await put(stream, text)
    const seen: string[] = []
    const drain = async (receiver: Receiver) => {
      while (new Set(seen).size < texts.length) {
        const received = await receiver.next()
        seen.push(...received.texts)
        received.answer()
      }
    }
    await Promise.race([drain(first), drain(second)])
    assert.deepEqual([...new Set(seen)].toSorted(), texts.toSorted())
    await first.close()
    await second.close()
  })

  test('aws_kinesis: the shards of a stopped client are continued by another, from their checkpoints', async () => {
    const stream = await newStream(aws.newId())
    const first = await Receiver.start(input(stream))
    for (const text of ['one', 'two']) await put(stream, text)
    await first.collectDistinct(1)
    await until(async () => (await rowsOf(stream))[0]?.['SequenceNumber'] !== undefined)
    const [row] = await rowsOf(stream)
    await first.close()
    // As left behind by a killed client.
    await dynamo.send(
      new PutItemCommand({
        TableName: `leases-${stream}`,
        Item: {
          StreamID: { S: stream },
          ShardID: { S: row!['ShardID']! },
          SequenceNumber: { S: row!['SequenceNumber']! },
          ClientID: { S: 'gone' },
          LeaseTimeout: { S: new Date(Date.now() - 500).toISOString() },
        },
      }),
    )
    const second = await Receiver.start(input(stream))
    assert.deepEqual((await second.collectDistinct(1)).slice(0, 1), ['two'])
    await second.close()
  })

  test('aws_kinesis: a split shard is read to its end before its children', async () => {
    const server = await startSplitStream(aws.port)
    const stream = aws.newId()
    const receiver = await Receiver.start(input(stream, {}, server.port))
    const first = await receiver.next()
    assert.deepEqual(first.texts, ['parent 0'])
    // The shard has ended while some of its messages are still in flight.
    await until(() => Promise.resolve(server.ended))
    await new Promise(resolve => setTimeout(resolve, 1000))
    assert.deepEqual(
      (await rowsOf(stream)).map(row => row['ShardID']),
      ['parent'],
    )
    const second = await receiver.next()
    second.answer()
    first.answer()
    const rest = await receiver.collectDistinct(4)
    assert.deepEqual([...second.texts, ...rest.toSorted()], ['parent 1', 'left 0', 'left 1', 'right 0', 'right 1'])
    const shards = (await rowsOf(stream)).map(row => String(row['ShardID']))
    assert.deepEqual(shards.toSorted(), ['left', 'right'])
    await receiver.close()
    await server.close()
  })

  test('aws_kinesis: reads one named shard from the latest record, in batches', async () => {
    const stream = await newStream(aws.newId())
    await put(stream, 'old')
    const more = { start_from_oldest: false, batching: { count: 3 } }
    const receiver = await Receiver.start(input(`${stream}:shardId-000000000000`, more))
    await until(async () => (await rowsOf(stream)).length === 1)
    // The iterator is created after the lease.
    let sent = 0
    const sending = setInterval(() => void put(stream, `new ${sent++}`), 100)
    const received = await receiver.next()
    clearInterval(sending)
    assert.equal(received.batch.length, 3)
    assert.ok(received.texts.every(text => text.startsWith('new ')))
    received.answer()
    await receiver.close()
  })

  test('aws_kinesis: a missing stream or table is named in the error', async () => {
    const stream = await newStream(aws.newId())
    for (const [config, reason] of [
      [input(stream, { dynamodb: { table: 'no-such-table' } }), /target table no-such-table does not exist/],
      [input('no-such-stream'), /no-such-stream.* not found/],
    ] as const) {
      const receiver = await Receiver.start(config)
      await until(() => Promise.resolve(receiver.log.length > 0))
      assert.match(receiver.log.join('\n'), reason)
      await receiver.close()
    }
    await assert.rejects(
      Receiver.start(input('a:0,b')),
      /not currently possible to include balanced and explicit shard streams/,
    )
    await assert.rejects(
      Sender.start({ aws_kinesis: { stream, partition_key: '${!' } }),
      /partition_key|required|expected/,
    )
  })

  const sent = bodies(25)
  inputContract('aws_kinesis', rig, {
    ends: false,
    replays: true,
    reconnects: true,
    resumes: true,
    remembers: true,
    async open() {
      const proxy = await startTcpProxy(aws.port)
      const stream = await newStream(aws.newId())
      for (const body of sent) await put(stream, body, 'x')
      const config = JSON.stringify(input(stream, {}, proxy.port))
      return { config, bodies: sent, cut: () => proxy.cut(), close: () => proxy.close() }
    },
  })
}

/**
 * A stream whose only shard was split, with responses taken from the public documentation of Kinesis: the server used
 * by the other tests moves records when a shard is split, and never ends a shard. Requests to DynamoDB are forwarded to
 * that server.
 */
async function startSplitStream(awsPort: number) {
  let ended = false
  const open = { StartingSequenceNumber: '0' }
  const answers: Readonly<Record<string, (request: Readonly<Record<string, string>>) => object>> = {
    DescribeStreamSummary: () => ({ StreamDescriptionSummary: { StreamARN: 'arn:aws:kinesis:x:1:stream/s' } }),
    ListShards: () => ({
      Shards: [
        { ShardId: 'parent', SequenceNumberRange: ended ? { ...open, EndingSequenceNumber: '9' } : open },
        ...(ended
          ? ['left', 'right'].map(ShardId => ({ ShardId, ParentShardId: 'parent', SequenceNumberRange: open }))
          : []),
      ],
    }),
    GetShardIterator: ({ ShardId }) => ({ ShardIterator: `${ShardId} 0` }),
    GetRecords({ ShardIterator = '' }) {
      const [shard = '', place = ''] = ShardIterator.split(' ')
      if (Number(place) >= 2) {
        ended ||= shard === 'parent'
        return { Records: [], MillisBehindLatest: 0, ...(shard !== 'parent' && { NextShardIterator: ShardIterator }) }
      }
      const Data = Buffer.from(`${shard} ${place}`).toString('base64')
      const record = { Data, PartitionKey: 'x', SequenceNumber: `${Number(place) + 1}` }
      return { Records: [record], MillisBehindLatest: 0, NextShardIterator: `${shard} ${Number(place) + 1}` }
    },
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => void answer(Buffer.concat(chunks)))
    const answer = async (body: Buffer) => {
      const target = String(request.headers['x-amz-target'])
      const [service, action = ''] = target.split('.')
      if (service === 'Kinesis_20131202') {
        response.setHeader('content-type', 'application/x-amz-json-1.1')
        return response.end(JSON.stringify(answers[action]!(JSON.parse(body.toString()))))
      }
      const forwarded = await fetch(`http://127.0.0.1:${awsPort}/`, {
        method: 'POST',
        headers: {
          'x-amz-target': target,
          'content-type': String(request.headers['content-type']),
          authorization: String(request.headers['authorization']),
        },
        body: new Uint8Array(body),
      })
      response.writeHead(forwarded.status, { 'content-type': 'application/x-amz-json-1.0' })
      return response.end(await forwarded.text())
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const port = portOf(server)
  return {
    port,
    get ended() {
      return ended
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
