import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Consumer as PlatformaticConsumer, Producer as PlatformaticProducer } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { ErrorCode, readBatchHeader, readRecords, writeRecords } from '../../kafka/index.ts'
import type { Metadata } from '../../metadata/index.ts'
import { startTestBroker, type TestBroker, type TestClient } from '../test-client.ts'

const TIMEOUT_MS = 60_000

describe('a topic that is deleted while a transaction is open in it', () => {
  it('has its part of the transaction aborted when it is restored', async t => {
    let metadata: Metadata | undefined
    const broker = await startTestBroker({}, 0, undefined, {}, opened => (metadata = opened))
    t.after(() => broker.close())
    const client = await broker.connect()
    const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
    const request = { transactionalId: 'tx', transactionTimeoutMs: TIMEOUT_MS, producerId: -1, producerEpoch: -1 }
    const { producerId, producerEpoch } = await client.call('InitProducerId', 4, request)
    const records = writeRecords([{ value: Buffer.from('open') }], {
      timestamp: 0,
      producerId,
      producerEpoch,
      baseSequence: 0,
      transactional: true,
    })
    const topicData = [
      { name: 't', topicId: metadata!.catalog().byName.get('t')!.id, partitionData: [{ index: 0, records }] },
    ]
    const produced = await client.call('Produce', 13, { transactionalId: 'tx', acks: -1, timeoutMs: 1000, topicData })
    assert.equal(produced.responses[0]!.partitionResponses[0]!.errorCode, ErrorCode.NONE)

    await client.call('DeleteTopics', 5, { topicNames: ['t'], timeoutMs: 1000 })
    const [deleted] = await metadata!.deletedTopics()
    await metadata!.undeleteTopics([deleted!.id])
    const partitions = metadata!.catalog().byName.get('t')!.partitions
    const [bounds] = await metadata!.bounds(partitions)
    // The record and the marker of its abort.
    assert.deepEqual([bounds!.highWatermark, bounds!.lastStableOffset], [2, 2])
  })
})

describe('transactions from clients', () => {
  let broker: TestBroker
  const opened: (() => Promise<unknown>)[] = []

  beforeEach(async () => {
    broker = await startTestBroker({ numPartitions: 2 })
  })
  afterEach(async () => {
    for (const close of opened.splice(0)) await close()
    await broker.close()
  })

  const kafka = () =>
    new Kafka({ brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 20 } })

  /** The values up to `end` that kafkajs reads, which only reads committed records. */
  async function readCommitted(topic: string): Promise<string[]> {
    const consumer = kafka().consumer({ groupId: `read-${Math.random()}` })
    opened.push(() => consumer.disconnect())
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const values: string[] = []
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
        const value = String(message.value)
        if (value === 'end') return resolve()
        values.push(value)
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    return values
  }

  it('from kafkajs are read completely or not at all', async () => {
    const producer = kafka().producer({ transactionalId: 'tx', idempotent: true, maxInFlightRequests: 1 })
    opened.push(() => producer.disconnect())
    await producer.connect()
    for (const [value, commits] of [
      ['a', true],
      ['b', false],
      ['c', true],
      ['end', true],
    ] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 't', messages: [{ partition: 0, value }] })
      await (commits ? transaction.commit() : transaction.abort())
    }
    assert.deepEqual(await readCommitted('t'), ['a', 'c'])
  })

  it('from kafkajs commit consumer offsets atomically', async () => {
    const producer = kafka().producer({ transactionalId: 'tx', idempotent: true, maxInFlightRequests: 1 })
    const admin = kafka().admin()
    opened.push(
      () => producer.disconnect(),
      () => admin.disconnect(),
    )
    await Promise.all([producer.connect(), admin.connect()])
    await admin.createTopics({ topics: [{ topic: 'in', numPartitions: 1 }] })
    const offset = async () => (await admin.fetchOffsets({ groupId: 'g', topics: ['in'] }))[0]!.partitions[0]?.offset
    for (const [next, commits, expected] of [
      ['5', false, '-1'],
      ['7', true, '7'],
    ] as const) {
      const transaction = await producer.transaction()
      const topics = [{ topic: 'in', partitions: [{ partition: 0, offset: next }] }]
      await transaction.sendOffsets({ consumerGroupId: 'g', topics })
      assert.equal(await offset(), '-1')
      await (commits ? transaction.commit() : transaction.abort())
      assert.equal(await offset(), expected)
    }
  })

  it('from @platformatic/kafka are read completely or not at all', async () => {
    const connection = { clientId: 'test', bootstrapBrokers: [`127.0.0.1:${broker.port}`] }
    const producer = new PlatformaticProducer<string, string, string, string>({
      ...connection,
      transactionalId: 'tx',
      idempotent: true,
      autocreateTopics: true,
      serializers: { value: (value?: string) => Buffer.from(value ?? '') },
    })
    opened.push(() => producer.close(true))
    for (const [value, commits] of [
      ['a', false],
      ['b', true],
    ] as const) {
      const transaction = await producer.beginTransaction()
      await transaction.send({ messages: [{ topic: 't', partition: 0, value }] })
      await (commits ? transaction.commit() : transaction.abort())
    }
    const consumer = new PlatformaticConsumer({ ...connection, groupId: 'g' })
    opened.push(() => consumer.close(true))
    const stream = await consumer.consume({
      topics: ['t'],
      mode: 'earliest',
      isolationLevel: 1,
      sessionTimeout: 10_000,
      heartbeatInterval: 500,
    })
    for await (const message of stream) {
      assert.equal(String(message.value), 'b')
      break
    }
    await stream.close()
  })
})

describe('transactions on the wire', () => {
  let broker: TestBroker
  let client: TestClient
  let topicId: string

  beforeEach(async () => {
    broker = await startTestBroker()
    client = await broker.connect()
    const topics = [{ name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }]
    const created = await client.call('CreateTopics', 7, { topics, timeoutMs: 1000, validateOnly: false })
    topicId = created.topics[0]!.topicId!
  })
  afterEach(() => broker.close())

  interface Producer {
    readonly transactionalId: string
    readonly producerId: number
    readonly producerEpoch: number
  }

  async function init(transactionalId = 'tx', transactionTimeoutMs = TIMEOUT_MS): Promise<Producer> {
    const request = { transactionalId, transactionTimeoutMs, producerId: -1, producerEpoch: -1 }
    const { errorCode, producerId, producerEpoch } = await client.call('InitProducerId', 4, request)
    assert.equal(errorCode, ErrorCode.NONE)
    return { transactionalId, producerId, producerEpoch }
  }

  async function add(producer: Producer, partitions: readonly number[] = [0], version = 3) {
    const answer = await client.call('AddPartitionsToTxn', version, {
      v3AndBelowTransactionalId: producer.transactionalId,
      v3AndBelowProducerId: producer.producerId,
      v3AndBelowProducerEpoch: producer.producerEpoch,
      v3AndBelowTopics: [{ name: 't', partitions: [...partitions] }],
      transactions: [],
    })
    return answer.resultsByTopicV3AndBelow![0]!.resultsByPartition.map(one => one.partitionErrorCode)
  }

  async function produce(
    producer: Producer,
    value: string,
    given: { sequence?: number; version?: number; partition?: number } = {},
  ) {
    const { transactionalId, producerId, producerEpoch } = producer
    const { sequence: baseSequence = 0, version = 9, partition = 0 } = given
    const fields = { timestamp: 1, transactional: true, producerId, producerEpoch, baseSequence }
    const answer = await client.call('Produce', version, {
      ...{ transactionalId, acks: -1, timeoutMs: 1000 },
      topicData: [
        {
          name: 't',
          topicId,
          partitionData: [{ index: partition, records: writeRecords([{ value: Buffer.from(value) }], fields) }],
        },
      ],
    })
    return answer.responses[0]!.partitionResponses[0]!
  }

  const end = ({ transactionalId, producerId, producerEpoch }: Producer, committed: boolean, version = 3) =>
    client.call('EndTxn', version, { transactionalId, producerId, producerEpoch, committed })

  async function fetch(reader: TestClient, isolationLevel: number, offset = 0, maxWaitMs = 0) {
    const partition = {
      ...{ partition: 0, currentLeaderEpoch: -1, fetchOffset: offset, lastFetchedEpoch: -1, logStartOffset: -1 },
      partitionMaxBytes: 1e6,
    }
    const answer = await reader.call('Fetch', 11, {
      ...{ replicaId: -1, maxWaitMs, minBytes: 1, maxBytes: 1e6, isolationLevel, sessionId: 0, sessionEpoch: -1 },
      topics: [{ topic: 't', topicId: '', partitions: [partition] }],
      ...{ forgottenTopicsData: [], rackId: '' },
    })
    const found = answer.responses[0]!.partitions[0]!
    return { ...found, records: Buffer.concat([found.records ?? []].flat()) }
  }

  it('end with a control batch in every partition', async () => {
    const producer = await init()
    assert.deepEqual(await add(producer, [0, 1]), [0, 0])
    await produce(producer, 'a')
    assert.equal((await end(producer, true)).errorCode, ErrorCode.NONE)
    const { records, highWatermark, lastStableOffset } = await fetch(client, 1)
    assert.deepEqual([Number(highWatermark), Number(lastStableOffset)], [2, 2])
    const marker = records.subarray(readBatchHeader(records)!.sizeBytes)
    const header = readBatchHeader(marker)!
    assert.ok(header.control && header.transactional)
    assert.equal(header.producerId, producer.producerId)
    assert.deepEqual([...readRecords(marker)[0]!.key!], [0, 0, 0, 1], 'version 0, commit')
  })

  it('wake a reader that is waiting for them to end', async () => {
    const producer = await init()
    await add(producer)
    await produce(producer, 'a')
    const reader = await broker.connect()
    const waiting = fetch(reader, 1, 0, 30_000)
    await end(producer, true)
    assert.ok((await waiting).records.length > 0)
  })

  it('fence a zombie with an error code that its API version knows', async () => {
    const zombie = await init()
    await add(zombie)
    await produce(zombie, 'gone')
    const owner = await init()
    assert.equal((await produce(zombie, 'late', { sequence: 1 })).errorCode, ErrorCode.INVALID_PRODUCER_EPOCH)
    assert.deepEqual(await add(zombie, [0], 1), [ErrorCode.INVALID_PRODUCER_EPOCH])
    assert.deepEqual(await add(zombie, [0], 3), [ErrorCode.PRODUCER_FENCED])
    assert.equal((await end(zombie, true, 1)).errorCode, ErrorCode.INVALID_PRODUCER_EPOCH)
    assert.equal((await end(zombie, true, 3)).errorCode, ErrorCode.PRODUCER_FENCED)
    const { abortedTransactions } = await fetch(client, 1)
    assert.deepEqual(
      abortedTransactions?.map(({ producerId, firstOffset }) => [Number(producerId), Number(firstOffset)]),
      [[owner.producerId, 0]],
    )
  })

  it('reject records for a partition that was not added, with the error code of the version', async () => {
    const producer = await init()
    assert.equal((await produce(producer, 'a')).errorCode, ErrorCode.INVALID_TXN_STATE)
    assert.equal((await produce(producer, 'a', { version: 11 })).errorCode, ErrorCode.TRANSACTION_ABORTABLE)
    assert.equal((await produce(producer, 'a', { version: 12 })).errorCode, ErrorCode.NONE, 'which adds it')
  })

  it('reject offsets of a group that was not added, with the error code of the version', async () => {
    const producer = await init()
    await add(producer)
    const commit = async (groupId: string, version: number) => {
      const offset = { partitionIndex: 0, committedOffset: 5, committedMetadata: '' }
      const topics = [{ name: 't', partitions: [offset] }]
      const answer = await client.call('TxnOffsetCommit', version, { ...producer, groupId, topics })
      return answer.topics[0]!.partitions[0]!.errorCode
    }
    assert.equal(await commit('g', 3), ErrorCode.INVALID_TXN_STATE)
    assert.equal(await commit('g', 4), ErrorCode.TRANSACTION_ABORTABLE)
    const added = await client.call('AddOffsetsToTxn', 3, { ...producer, groupId: 'g' })
    assert.equal(added.errorCode, ErrorCode.NONE)
    assert.equal(await commit('g', 3), ErrorCode.NONE)
    assert.equal(await commit('other', 3), ErrorCode.INVALID_TXN_STATE)
    assert.equal(await commit('other', 5), ErrorCode.NONE, 'which adds it')
    const { transactionStates } = await client.call('DescribeTransactions', 0, { transactionalIds: ['tx'] })
    const { partitions } = transactionStates[0]!.topics.find(({ topic }) => topic === '__consumer_offsets')!
    assert.equal(partitions.length, 2, 'one for each group')
    await end(producer, true)
    await add(producer)
    assert.equal(await commit('g', 3), ErrorCode.INVALID_TXN_STATE, 'it was in the transaction before')
  })

  it('add all partitions or none', async () => {
    const producer = await init()
    assert.deepEqual(await add(producer, [0, 9]), [
      ErrorCode.OPERATION_NOT_ATTEMPTED,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ])
    assert.equal((await end(producer, true)).errorCode, ErrorCode.INVALID_TXN_STATE)
  })

  it('are aborted after their timeout when their producer is gone', async () => {
    const producer = await init('tx', 1)
    await add(producer)
    await produce(producer, 'left')
    while ((await broker.broker.transactions.abortOverdue()).length === 0);
    const { lastStableOffset, abortedTransactions } = await fetch(client, 1)
    assert.deepEqual([Number(lastStableOffset), abortedTransactions?.length], [2, 1])
    assert.equal((await end(producer, true)).errorCode, ErrorCode.PRODUCER_FENCED)
  })

  it('cannot have a timeout longer than the broker allows', async () => {
    const asked = { transactionalId: 'tx', producerId: -1, producerEpoch: -1 }
    for (const transactionTimeoutMs of [0, 900_001]) {
      const answer = await client.call('InitProducerId', 4, { ...asked, transactionTimeoutMs })
      assert.equal(answer.errorCode, ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    }
  })

  it('are listed and described', async () => {
    const producer = await init()
    await add(producer)
    await init('idle')
    const list = (filters: { stateFilters?: string[]; transactionalIdPattern?: string }) =>
      client.call('ListTransactions', 2, {
        ...{ stateFilters: [], producerIdFilters: [], durationFilter: -1, transactionalIdPattern: null },
        ...filters,
      })
    const ids = async (filters: Parameters<typeof list>[0]) =>
      (await list(filters)).transactionStates.map(({ transactionalId }) => transactionalId)
    assert.deepEqual(await ids({}), ['idle', 'tx'])
    assert.deepEqual(await ids({ stateFilters: ['Ongoing'] }), ['tx'])
    assert.deepEqual(await ids({ transactionalIdPattern: 'i.*' }), ['idle'])
    assert.equal((await list({ transactionalIdPattern: '(' })).errorCode, ErrorCode.INVALID_REGULAR_EXPRESSION)
    assert.deepEqual((await list({ stateFilters: ['Nonsense'] })).unknownStateFilters, ['Nonsense'])
    const { transactionStates } = await client.call('DescribeTransactions', 0, { transactionalIds: ['tx', 'none'] })
    assert.deepEqual(
      transactionStates.map(({ errorCode, transactionState, topics }) => [errorCode, transactionState, topics.length]),
      [
        [ErrorCode.NONE, 'Ongoing', 1],
        [ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, '', 0],
      ],
    )
  })

  it('can be aborted in one partition by an operator', async () => {
    const producer = await init()
    await add(producer)
    await produce(producer, 'hanging')
    const { producerId, producerEpoch } = producer
    const { markers } = await client.call('WriteTxnMarkers', 1, {
      markers: [
        {
          ...{ producerId, producerEpoch, transactionResult: false, coordinatorEpoch: 0 },
          topics: [{ name: 't', partitionIndexes: [0, 9] }],
        },
      ],
    })
    assert.deepEqual(
      markers[0]!.topics[0]!.partitions.map(({ errorCode }) => errorCode),
      [ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    )
    assert.equal(Number((await fetch(client, 1)).lastStableOffset), 2)
    const { topics } = await client.call('DescribeProducers', 0, { topics: [{ name: 't', partitionIndexes: [0] }] })
    assert.equal(Number(topics[0]!.partitions[0]!.activeProducers[0]!.currentTxnStartOffset), -1)
  })
})
