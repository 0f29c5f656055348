import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import process from 'node:process'
import { after, test } from 'node:test'
import { CreateDeliveryStreamCommand, FirehoseClient } from '@aws-sdk/client-firehose'
import { CreateStreamCommand, GetRecordsCommand, GetShardIteratorCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
  SendMessageCommand,
} from '@aws-sdk/client-sqs'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { testOutages } from '../../../test/connectors/outage-cases.ts'
import { type StreamCases, testStreams } from '../../../test/connectors/stream-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { type OutputHarness, outputContract } from '../../engine/contract/output.suite.ts'
import { bodies } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'
import { AwsFixture } from './fixture.suite.ts'
import { portOf } from '../../../test/servers/ports.ts'

const address = process.env['PENSTOCK_TEST_AWS']

if (address === undefined) test('AWS queues', { skip: 'needs a server: npm run test:connectors -- aws' })
else testQueues(new AwsFixture(address))

function testQueues(aws: AwsFixture): void {
  const sqs = new SQSClient(aws.clientOptions())
  const sns = new SNSClient(aws.clientOptions())
  const kinesis = new KinesisClient({ ...aws.clientOptions(), requestHandler: new NodeHttpHandler() })
  const firehose = new FirehoseClient(aws.clientOptions())
  after(() => {
    for (const client of [sqs, sns, kinesis, firehose]) client.destroy()
  })
  const urlOf = (id: string) => `http://127.0.0.1:${aws.port}/123456789012/${id}`
  const newQueue = async (id: string, attributes: Record<string, string> = {}) => {
    await sqs.send(new CreateQueueCommand({ QueueName: id, Attributes: { VisibilityTimeout: '3', ...attributes } }))
    return urlOf(id)
  }

  const cases: StreamCases = {
    port: aws.port,
    prepare: async id => void (await newQueue(id)),
    input: (id, port) => ({ aws_sqs: { url: urlOf(id), ...aws.session(port) } }),
    output: (id, port) => ({ aws_sqs: { url: urlOf(id), ...aws.session(port), max_in_flight: 1 } }),
    unordered: true,
    keepsMetadata: true,
    narrowText: true,
  }
  testStreams('aws_sqs', cases)
  // The server loses its state when it stops.
  testOutages('aws_sqs', {
    ...cases,
    input: (id, port) => ({ aws_sqs: { url: urlOf(id), wait_time_seconds: 1, ...aws.session(port) } }),
  })
  const arrivedFrom = new Map<string, () => readonly string[] | Promise<readonly string[]>>()
  testOutages('aws_sns', {
    slow: true,
    port: aws.port,
    async prepare(id) {
      const { delivered } = await newTopic(id)
      arrivedFrom.set(id, async () => (await delivered()).map((text): string => JSON.parse(text).Message))
    },
    output: (id, port) => ({
      aws_sns: { topic_arn: `arn:aws:sns:us-east-1:123456789012:${id}`, ...aws.session(port) },
    }),
    arrived: async id => await arrivedFrom.get(id)!(),
  })
  testOutages('aws_kinesis_firehose', {
    slow: true,
    port: aws.port,
    async prepare(id) {
      const receiver = await startFirehoseReceiver()
      after(receiver.close)
      await newDeliveryStream(id, receiver.url)
      arrivedFrom.set(id, () => receiver.texts)
    },
    output: (stream, port) => ({ aws_kinesis_firehose: { stream, ...aws.session(port) } }),
    arrived: async id => await arrivedFrom.get(id)!(),
  })
  const read = new Map<string, string>()
  testOutages('aws_s3 in, by notifications', {
    port: aws.port,
    async prepare(id) {
      await newQueue(id)
      read.set(id, await aws.newBucket())
    },
    input: (id, port) => ({
      aws_s3: { sqs: { url: urlOf(id), wait_time_seconds: 1 }, ...aws.session(port), force_path_style_urls: true },
    }),
    async put(id, text) {
      const bucket = read.get(id)!
      const key = encodeURIComponent(text)
      await aws.putObject(bucket, text, text)
      const event = { Records: [{ s3: { bucket: { name: bucket }, object: { key } } }] }
      await sqs.send(new SendMessageCommand({ QueueUrl: urlOf(id), MessageBody: JSON.stringify(event) }))
    },
  })

  test('aws_sqs: metadata, groups and ids are sent and received, with those of the queue', async () => {
    const id = `${aws.newId()}.fifo`
    const url = await newQueue(id, { FifoQueue: 'true' })
    const sender = await Sender.start({
      aws_sqs: {
        url,
        message_group_id: '${! @group }',
        message_deduplication_id: '${! content() }',
        metadata: { exclude_prefixes: ['group'] },
        ...aws.session(),
      },
    })
    const many = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [`k${String(index).padStart(2, '0')}`, 'x']),
    )
    await sender.send({ text: 'one', metadata: { group: 'g', 'not valid': 'x', ...many } })
    await sender.send({ text: 'one', metadata: { group: 'g' } })
    await sender.send({ text: 'two', metadata: { group: 'h' } })
    const receiver = await Receiver.start({ aws_sqs: { url, ...aws.session() } })
    const first = await receiver.next()
    const { metadata } = first.batch[0]!
    assert.equal(metadata.get('sqs_message_group_id'), 'g')
    assert.equal(metadata.get('sqs_approximate_receive_count'), '1')
    assert.match(String(metadata.get('sqs_message_id')), /^[0-9a-f-]{36}$/)
    assert.ok(String(metadata.get('sqs_receipt_handle')).length > 0)
    const own = [...metadata.keys()].filter(key => !key.startsWith('sqs_'))
    assert.deepEqual(own.toSorted(), Object.keys(many).slice(0, 10))
    first.answer()
    assert.deepEqual(await receiver.collectDistinct(1), ['two'])
    await sender.close()
    await receiver.close()
  })

  test('aws_sqs: a missing queue is named in the error immediately', async () => {
    const config = { aws_sqs: { url: urlOf('no-such-queue'), ...aws.session() } }
    const sender = await Sender.start(config)
    await assert.rejects(sender.send('x'), /queue does not exist/i)
    await sender.close()
    const receiver = await Receiver.start(config)
    while (receiver.log.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
    assert.match(receiver.log.join('\n'), /Failed to pull new SQS messages: .*queue does not exist/i)
    await receiver.close()
  })

  test('aws_sqs: a delay that is not a number fails only its own message', async () => {
    const url = await newQueue(aws.newId())
    const sender = await Sender.start({ aws_sqs: { url, delay_seconds: '${! @delay }', ...aws.session() } })
    const sent = [
      { text: 'a', metadata: { delay: '0' } },
      { text: 'b', metadata: { delay: '901' } },
    ]
    await assert.rejects(sender.send(...sent), /delay seconds must be between 0 and 900/)
    await assert.rejects(sender.send({ text: 'c', metadata: { delay: 'soon' } }), /delay seconds invalid input: "soon"/)
    const receiver = await Receiver.start({ aws_sqs: { url, ...aws.session() } })
    assert.deepEqual(await receiver.collectDistinct(1), ['a'])
    await sender.close()
    await receiver.close()
  })

  test('aws_sqs: a message in flight stays hidden beyond the visibility timeout, and is delivered once', async () => {
    const url = await newQueue(aws.newId(), { VisibilityTimeout: '2' })
    const sender = await Sender.start({ aws_sqs: { url, ...aws.session() } })
    await sender.send('slow')
    const receiver = await Receiver.start({ aws_sqs: { url, wait_time_seconds: 1, ...aws.session() } })
    const first = await receiver.next()
    await new Promise(resolve => setTimeout(resolve, 3500))
    assert.equal(receiver.receivedCount, 1)
    first.answer()
    await sender.close()
    await receiver.close()
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['ApproximateNumberOfMessagesNotVisible'] }),
    )
    assert.equal(Attributes?.ApproximateNumberOfMessagesNotVisible, '0')
  })

  test('aws_sqs: reading continues after the queue is deleted and recreated', async () => {
    const id = aws.newId()
    const url = await newQueue(id)
    const receiver = await Receiver.start({ aws_sqs: { url, ...aws.session() } })
    await sqs.send(new DeleteQueueCommand({ QueueUrl: url }))
    while (receiver.log.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
    await newQueue(id)
    const sender = await Sender.start({ aws_sqs: { url, ...aws.session() } })
    await sender.send('again')
    assert.deepEqual(await receiver.collectDistinct(1), ['again'])
    await sender.close()
    await receiver.close()
  })

  test('aws_s3: queue notifications name the objects to read, and are deleted once those are delivered', async () => {
    const bucket = await aws.newBucket()
    const url = await newQueue(aws.newId())
    const notify = (body: string) => sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }))
    const records = (...keys: readonly string[]) => ({
      Records: keys.map(key => ({ s3: { bucket: { name: bucket }, object: { key: encodeURIComponent(key) } } })),
    })
    for (const key of ['a b', 'c+ü', 'd']) await aws.putObject(bucket, key, `text of ${key}`)
    await notify('{"Event":"s3:TestEvent"}')
    await notify('no document')
    await notify(JSON.stringify({ Message: JSON.stringify(records('a b', 'c+ü')) }))
    const s3 = { ...aws.session(), force_path_style_urls: true }
    const receiver = await Receiver.start({
      aws_s3: { sqs: { url, envelope_path: 'Message' }, ...s3 },
    })
    const [first, second] = [await receiver.next(), await receiver.next()]
    assert.deepEqual([first.texts, second.texts], [['text of a b'], ['text of c+ü']])
    first.answer()
    second.answer(new Error('not now'))
    const again = [await receiver.next(), await receiver.next()]
    assert.deepEqual(again.map(({ texts }) => String(texts[0])).toSorted(), ['text of a b', 'text of c+ü'])
    for (const each of again) each.answer()
    await receiver.close()
    assert.match(receiver.log.join('\n'), /SQS extract key error: failed to parse SQS message/)
    const direct = await Receiver.start({
      aws_s3: { sqs: { url: await newQueue('direct'), delay_period: '1ms' }, ...s3 },
    })
    await sqs.send(new SendMessageCommand({ QueueUrl: urlOf('direct'), MessageBody: JSON.stringify(records('d')) }))
    const only = await direct.next()
    assert.deepEqual([only.texts, only.batch[0]!.metadata.get('s3_key')], [['text of d'], 'd'])
    only.answer()
    await direct.close()
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: urlOf('direct'), AttributeNames: ['All'] }),
    )
    assert.equal(Attributes?.ApproximateNumberOfMessages, '0')
    assert.equal(Attributes?.ApproximateNumberOfMessagesNotVisible, '0')
  })

  test('aws_sns: a message is published with its attributes', async () => {
    const id = aws.newId()
    const { topic, delivered } = await newTopic(id)
    const sender = await Sender.start({ aws_sns: { topic_arn: topic, ...aws.session() } })
    await sender.send({ text: 'hello', metadata: { colour: 'blue' } })
    const [notification] = await delivered()
    const { Message, MessageAttributes } = JSON.parse(notification!)
    assert.deepEqual([Message, MessageAttributes], ['hello', { colour: { Type: 'String', Value: 'blue' } }])
    await sender.close()
  })

  test('aws_kinesis: a stream that does not exist, and a message that is too large', async () => {
    const missing = await Sender.start({ aws_kinesis: { stream: 'nowhere', partition_key: 'x', ...aws.session() } })
    while (missing.log.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
    assert.match(missing.log.join('\n'), /Stream nowhere under account \d+ not found/)
    await missing.close()
    const { stream, delivered } = await newStream()
    const sender = await Sender.start({
      aws_kinesis: { stream, partition_key: '${! content() }', hash_key: '0', ...aws.session() },
    })
    await assert.rejects(sender.send('good', 'x'.repeat(1024 * 1024 + 1)), /exceeds the maximum Kinesis payload limit/)
    assert.deepEqual(await delivered(), ['good'])
    await sender.close()
  })

  /** Returns what arrives in a queue, in order. */
  const readerOf = (url: string) => {
    const seen: string[] = []
    return async () => {
      for (;;) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: 600 }),
        )
        if (Messages.length === 0) return seen
        seen.push(...Messages.map(({ Body }) => Body!))
      }
    }
  }

  async function newTopic(id: string) {
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: id }))
    const url = await newQueue(id)
    const Endpoint = `arn:aws:sqs:us-east-1:123456789012:${id}`
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }))
    return { topic: TopicArn!, delivered: readerOf(url) }
  }

  async function newStream() {
    const stream = aws.newId()
    await kinesis.send(new CreateStreamCommand({ StreamName: stream, ShardCount: 1 }))
    return {
      stream,
      async delivered() {
        const { ShardIterator } = await kinesis.send(
          new GetShardIteratorCommand({
            StreamName: stream,
            ShardId: 'shardId-000000000000',
            ShardIteratorType: 'TRIM_HORIZON',
          }),
        )
        const { Records = [] } = await kinesis.send(new GetRecordsCommand({ ShardIterator }))
        return Records.map(({ Data }) => Buffer.from(Data!).toString())
      },
    }
  }

  interface Destination {
    readonly fields: object
    readonly delivered: () => readonly string[] | Promise<readonly string[]>
    readonly close?: () => void
  }

  /** A delivery destination of Firehose, by its HTTP endpoint protocol. */
  async function startFirehoseReceiver() {
    const texts: string[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', chunk => (body += String(chunk)))
      request.on('end', () => {
        const { records }: { readonly records: readonly { readonly data: string }[] } = JSON.parse(body)
        texts.push(...records.map(({ data }) => Buffer.from(data, 'base64').toString()))
        response.end('{}')
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const port = portOf(server)
    return { url: `http://127.0.0.1:${port}`, texts, close: () => void server.close() }
  }

  /** A delivery stream of Firehose that delivers to an HTTP endpoint. */
  async function newDeliveryStream(stream: string, url: string) {
    await firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: stream,
        HttpEndpointDestinationConfiguration: {
          EndpointConfiguration: { Url: url },
          S3Configuration: { RoleARN: 'arn:aws:iam::123456789012:role/x', BucketARN: 'arn:aws:s3:::unused' },
        },
      }),
    )
  }

  const output = (name: string, open: () => Promise<Destination>, poison = 'poison'): OutputHarness => ({
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const { fields, delivered, close } = await open()
      const proxy = await startTcpProxy(aws.port)
      const own = { ...fields, ...aws.session(proxy.port) }
      return {
        config: (maxInFlight = 64) => JSON.stringify({ [name]: { ...own, max_in_flight: maxInFlight } }),
        poison,
        delivered,
        cut: () => proxy.cut(),
        close: () => (close?.(), proxy.close()),
      }
    },
  })
  const orPoison = (value: string) => `\${! if content() == "poison" { throw("refused") } else { "${value}" } }`

  outputContract(
    'aws_sqs',
    rig,
    output('aws_sqs', async () => {
      const url = await newQueue(aws.newId())
      return { fields: { url, delay_seconds: orPoison('0') }, delivered: readerOf(url) }
    }),
  )
  outputContract(
    'aws_sns',
    rig,
    output('aws_sns', async () => {
      const { topic, delivered } = await newTopic(aws.newId())
      const texts = async () => (await delivered()).map((text): string => JSON.parse(text).Message)
      return { fields: { topic_arn: topic, message_group_id: orPoison(''), timeout: '60s' }, delivered: texts }
    }),
  )
  outputContract(
    'aws_kinesis',
    rig,
    output('aws_kinesis', async () => {
      const { stream, delivered } = await newStream()
      return { fields: { stream, partition_key: orPoison('x') }, delivered }
    }),
  )
  outputContract(
    'aws_kinesis_firehose',
    rig,
    output(
      'aws_kinesis_firehose',
      async () => {
        const stream = aws.newId()
        const receiver = await startFirehoseReceiver()
        await newDeliveryStream(stream, receiver.url)
        return { fields: { stream }, delivered: () => receiver.texts, close: receiver.close }
      },
      'p'.repeat(1024 * 1024 + 1),
    ),
  )

  const sent = bodies(25)
  inputContract('aws_sqs', rig, {
    ends: false,
    replays: true,
    reconnects: true,
    resumes: true,
    remembers: true,
    async open() {
      const proxy = await startTcpProxy(aws.port)
      const url = await newQueue(aws.newId())
      for (const body of sent) await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }))
      const config = JSON.stringify({ aws_sqs: { url, ...aws.session(proxy.port) } })
      return { config, bodies: sent, unordered: true, cut: () => proxy.cut(), close: () => proxy.close() }
    },
  })
}
