// Transactional producers on two brokers that crash, with a store and metadata that fail. Whatever happens, a reader of
// committed records sees each transaction, including its offsets, entirely or not at all, and reported outcomes hold.
//
import assert from 'node:assert/strict'
import { nullLog } from '../../src/base/index.ts'
import { defaultBrokerConfig, localLogConfig, topicConfig } from '../../src/broker/index.ts'
import { Leases } from '../../src/broker/leases.ts'
import { openRecordLog, type RecordLog } from '../../src/broker/log/index.ts'
import { Transactions } from '../../src/broker/transactions/index.ts'
import { type BatchHeader, readBatchHeader, readRecords, writeRecords } from '../../src/kafka/index.ts'
import {
  type Metadata,
  MetadataClient,
  MetadataHub,
  openSqliteTransport,
  type ProducerIdentity,
  type TopicId,
} from '../../src/metadata/index.ts'
import { type ObjectStore, openStore } from '../../src/storage/index.ts'
import { type Faults, faultyMetadata, faultyStore, NO_FAULTS, type Process, slowCompression } from './faults.ts'
import { World } from './world.ts'

const PARTITIONS = 3
const PRODUCERS = 4
const TRANSACTIONS_PER_PRODUCER = 15
/** This producer has a twin with the same transactional id, so that the two keep fencing each other. */
const CONTESTED = 0
/** How often a client seeks in each partition at the end. */
const SEEKS = 5
const TIMEOUT_MS = 20_000
const REQUEST_TIMEOUT_MS = 5000
const LIMIT_MS = 6 * 60 * 60 * 1000

interface Broker {
  readonly process: Process
  readonly log: RecordLog
  readonly leases: Leases
  readonly transactions: Transactions
}

/** A producer with a transactional id, from one initialization to the next. */
interface Session {
  producer: ProducerIdentity
  readonly sequences: Map<number, number>
}

/** What a producer knows about the outcome of a transaction. `unknown`: there was no response. */
type Answer = 'committed' | 'aborted' | 'unknown'

interface Attempt {
  readonly name: string
  /** The records by partition. */
  readonly values: Map<number, string[]>
  readonly number: number
  answer: Answer
}

export class TransactionsSimulation {
  readonly #world: World
  readonly #faults: Faults
  readonly #brokers: Broker[] = []
  readonly #attempts: Attempt[][] = Array.from({ length: PRODUCERS }, () => [])
  #hub!: MetadataHub
  #metadata!: Metadata
  #store!: ObjectStore
  #topic!: TopicId
  #partitions: readonly number[] = []
  #isOver = false
  #holders = 0

  constructor(seed: number) {
    this.#world = new World(seed)
    const some = (most: number) => (this.#world.choices.chance(0.5) ? this.#world.choices.fraction() * most : 0)
    this.#faults = {
      putFails: some(0.3),
      putLies: some(0.3),
      putLate: some(0.2),
      slow: some(0.2),
      getFails: some(0.2),
      commitFails: some(0.2),
      commitLies: some(0.3),
      commitLate: some(0.2),
    }
  }

  /** Resolves to the history of the world. */
  async run(): Promise<number> {
    const { clock, random } = this.#world
    this.#hub = new MetadataHub(await openSqliteTransport(':memory:', clock))
    this.#metadata = await MetadataClient.open(this.#hub.connect(), { random })
    this.#store = await openStore('mem://transactions')
    const [topic] = await this.#metadata.createTopics([{ name: 't', partitions: PARTITIONS, configs: {} }])
    assert.ok(topic?.ok)
    this.#topic = topic.value.id
    this.#partitions = topic.value.partitions
    await this.#world.run(this.#live(), LIMIT_MS)
    await this.#hub.close()
    return this.#world.history
  }

  async #live(): Promise<void> {
    for (let index = 0; index < 2; index++) this.#brokers.push(await this.#openBroker())
    const chaos = this.#crashBrokers()
    const producers = Array.from({ length: PRODUCERS }, (_, id) => this.#produce(id))
    await Promise.all([...producers, this.#produce(CONTESTED)])
    this.#isOver = true
    Object.assign(this.#faults, NO_FAULTS)
    await chaos
    await this.#check()
  }

  async #openBroker(): Promise<Broker> {
    const process: Process = { alive: true }
    const { clock, random } = this.#world
    const metadata = await faultyMetadata(this.#hub, this.#world, this.#faults, process)
    const log = await openRecordLog({
      metadata,
      store: faultyStore(this.#store, this.#world, this.#faults, process),
      clock,
      random,
      log: nullLog,
      config: {
        ...localLogConfig,
        flushBytes: 2000,
        overlapBytes: 300,
        cacheBytes: 100_000,
        uploadRetries: 1,
        epochExpiryMs: 15_000,
      },
      compress: slowCompression(this.#world),
      topicConfig: of => topicConfig(of, defaultBrokerConfig),
    })
    const holder = { id: `holder ${this.#holders++}`, nodeId: this.#holders, host: '', port: 1 }
    const leases = new Leases({ metadata, clock, log: nullLog, holder, durationMs: 3000 })
    const transactions = new Transactions({
      metadata,
      leases,
      records: log,
      clock,
      log: nullLog,
      settings: { abortCheckIntervalMs: 2000, idExpirationMs: 1e9, expiryCheckIntervalMs: 1e9 },
    })
    return { process, log, leases, transactions }
  }

  async #crashBrokers(): Promise<void> {
    while (!this.#isOver) {
      await this.#world.clock.sleep(2000 + this.#world.choices.below(10_000))
      const index = this.#world.choices.below(this.#brokers.length)
      this.#brokers[index]!.process.alive = false
      this.#brokers[index] = await this.#openBroker()
    }
  }

  /** Sends a request to a broker; undefined if there was no response in time. */
  async #ask<Result>(request: (broker: Broker) => Promise<Result>): Promise<Result | undefined> {
    const broker = this.#world.choices.pick(this.#brokers)
    const timeout = this.#world.clock.sleep(REQUEST_TIMEOUT_MS).then(() => undefined)
    const result = await Promise.race([request(broker), timeout])
    return broker.process.alive ? result : undefined
  }

  async #init(id: string): Promise<Session> {
    for (;;) {
      const outcome = await this.#ask(({ transactions }) => transactions.init(id, null, TIMEOUT_MS))
      if (outcome?.ok) return { producer: outcome.producer, sequences: new Map() }
      await this.#world.clock.sleep(this.#world.choices.below(500))
    }
  }

  async #produce(id: number): Promise<void> {
    const { choices } = this.#world
    const name = `tx-${id}`
    /** Whether each transaction gets a new epoch (KIP-890). */
    const nextEpoch = choices.chance(0.5)
    let session = await this.#init(name)
    for (let count = 0; count < TRANSACTIONS_PER_PRODUCER; count++) {
      const number = this.#attempts[id]!.length + 1
      const attempt: Attempt = { name: `${id}:${number}`, values: new Map(), number, answer: 'unknown' }
      this.#attempts[id]!.push(attempt)
      const isWritten = await this.#write(name, session, attempt, nextEpoch)
      const commits = isWritten && choices.chance(0.7)
      const isEnded = choices.chance(0.9) && (await this.#end(name, session, commits, nextEpoch))
      if (isEnded) attempt.answer = commits ? 'committed' : 'aborted'
      // As a client does after a restart or a fatal error.
      else session = await this.#init(name)
    }
  }

  /** Writes to some partitions, with an offset; false if any part failed. */
  async #write(id: string, session: Session, attempt: Attempt, joins: boolean): Promise<boolean> {
    const { choices } = this.#world
    const chosen = this.#partitions.filter(() => choices.chance(0.7))
    if (!joins) {
      const added = await this.#ask(({ transactions }) => transactions.begin(id, session.producer, chosen))
      if (!added?.ok) return false
    }
    for (const partition of chosen) {
      const values = Array.from({ length: 1 + choices.below(3) }, (_, at) => `${attempt.name}:${partition}:${at}`)
      attempt.values.set(partition, values)
      if (!(await this.#send(id, session, partition, values, joins))) return false
    }
    return this.#commitOffset(id, session, attempt.number, joins)
  }

  async #send(id: string, { producer, sequences }: Session, partition: number, values: string[], joins: boolean) {
    const baseSequence = sequences.get(partition) ?? 0
    const records = writeRecords(
      values.map(value => ({ value: Buffer.from(value) })),
      {
        timestamp: this.#world.clock.now(),
        transactional: true,
        producerId: producer.producerId,
        producerEpoch: producer.epoch,
        baseSequence,
      },
    )
    const header: BatchHeader = readBatchHeader(records)!
    const transaction = { kind: 'records', id, joins } as const
    for (let attempt = 0; attempt < 5; attempt++) {
      const [outcome] =
        (await this.#ask(({ log }) =>
          log.append([{ partition, records: Buffer.from(records), header, appendTime: false, transaction }]),
        )) ?? []
      if (outcome?.ok) {
        sequences.set(partition, baseSequence + values.length)
        return true
      }
      if (outcome && outcome.code !== 'KAFKA_STORAGE_ERROR') return false
    }
    return false
  }

  async #commitOffset(id: string, { producer }: Session, offset: number, joins: boolean): Promise<boolean> {
    const done = await this.#ask(async ({ leases, transactions }) => {
      const [fence] = await leases.acquire([`groups/of ${id}`]).catch(() => [undefined])
      if (fence === undefined) return undefined
      const place = { topic: this.#topic, partition: 0, leaderEpoch: -1, metadata: '', committedAt: 0 }
      return transactions.commitOffsets(id, producer, joins, `group ${id}`, [{ ...place, offset }], fence)
    })
    return typeof done === 'object' && done[0] === 'NONE'
  }

  /** Ends the transaction, retrying until the outcome is known; false if it never is. */
  async #end(id: string, session: Session, commit: boolean, nextEpoch: boolean): Promise<boolean> {
    for (let attempt = 0; attempt < 8; attempt++) {
      const outcome = await this.#ask(({ transactions }) => transactions.end(id, session.producer, commit, nextEpoch))
      if (outcome?.ok) {
        if (nextEpoch) session.sequences.clear()
        session.producer = outcome.producer
        return true
      }
      const isRetriable =
        outcome === undefined ||
        ['COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'CONCURRENT_TRANSACTIONS'].includes(outcome.code)
      if (!isRetriable) return false
      await this.#world.clock.sleep(this.#world.choices.below(1000))
    }
    return false
  }

  async #check(): Promise<void> {
    // Long enough for open transactions to be aborted by timeout.
    await this.#world.clock.sleep(TIMEOUT_MS + 60_000)
    for (const { process } of this.#brokers) process.alive = false
    const { log } = await this.#openBroker()
    const seen = new Map<number, string[]>()
    for (const partition of this.#partitions) seen.set(partition, await this.#readCommitted(log, partition))
    for (const [id, attempts] of this.#attempts.entries()) {
      const visible = attempts.filter(attempt => this.#isVisible(attempt, seen))
      for (const { answer, name } of attempts.filter(({ values }) => values.size > 0)) {
        const isVisible = visible.some(one => one.name === name)
        if (answer === 'committed') assert.ok(isVisible, `${name} was committed, and is not there`)
        if (answer === 'aborted') assert.ok(!isVisible, `${name} was aborted, and is there`)
      }
      const group = await this.#metadata.groupOffsets(`group tx-${id}`)
      const committed = group[0]?.offset ?? 0
      const last = visible.at(-1)?.number ?? 0
      const atOffset = attempts.find(({ number }) => number === committed)
      if (atOffset && atOffset.values.size > 0) assert.ok(visible.includes(atOffset), 'an offset without its records')
      // The twins' transactions may be committed in a different order than they were started.
      if (id !== CONTESTED) assert.ok(committed >= last, `the offset ${committed} is older than the records of ${last}`)
    }
    assert.deepEqual(await this.#metadata.overdueTransactions(10), [])
  }

  /** Whether the records of a transaction are present, each exactly once; otherwise none may be. */
  #isVisible({ name, values }: Attempt, seen: ReadonlyMap<number, string[]>): boolean {
    const wanted = [...values].flatMap(([, of]) => of)
    const found = [...seen.values()].flat().filter(value => value.startsWith(`${name}:`))
    if (found.length === 0) return false
    assert.deepEqual(found.toSorted(), wanted.toSorted(), `${name} is torn`)
    return true
  }

  /**
   * The values that a read-committed client sees; checks that no transaction is left open, and that a client that seeks
   * sees the same.
   */
  async #readCommitted(log: RecordLog, partition: number): Promise<string[]> {
    const [bounds] = await this.#metadata.bounds([partition])
    // What it has looked up for one position, the broker uses for the next.
    const positions = Array.from({ length: SEEKS }, () => this.#world.choices.below(bounds!.highWatermark + 1))
    const rests: Seen[][] = []
    for (const from of positions) rests.push(await this.#readFrom(log, partition, from))
    const all = await this.#readFrom(log, partition, 0)
    for (const [index, from] of positions.entries())
      assert.deepEqual(
        rests[index],
        all.filter(({ offset }) => offset >= from),
        `from ${from}`,
      )
    return all.map(({ value }) => value)
  }

  async #readFrom(log: RecordLog, partition: number, from: number): Promise<Seen[]> {
    const seen: Seen[] = []
    let position = from
    for (;;) {
      const maxBytes = 300 + this.#world.choices.below(1000)
      const limits = { minBytes: 0, maxWaitMs: 0, maxBytes, readCommitted: true }
      const query = { partition, offset: position, maxBytes }
      const [fetched] = await log.fetch([query], limits, new AbortController().signal)
      assert.equal(fetched?.error, 'NONE')
      assert.equal(fetched.bounds.lastStableOffset, fetched.bounds.highWatermark, 'something is left open')
      if (fetched.sizeBytes === 0) return seen.filter(({ offset }) => offset >= from)
      const waiting = [...fetched.aborted]
      const open = new Set<number>()
      const bytes = Buffer.concat(fetched.records)
      for (let start = 0; start < bytes.length; ) {
        const header = readBatchHeader(bytes, start)!
        const records = readRecords(bytes.subarray(start, start + header.sizeBytes))
        position = header.baseOffset + header.lastOffsetDelta + 1
        while (waiting.length > 0 && waiting[0]!.firstOffset < position) open.add(waiting.shift()!.producerId)
        if (header.control) {
          if (records[0]!.key![3] === 0) open.delete(header.producerId)
        } else if (!open.has(header.producerId)) {
          seen.push(...records.map(({ offset, value }) => ({ offset, value: String(value) })))
        }
        start += header.sizeBytes
      }
    }
  }
}

interface Seen {
  readonly offset: number
  readonly value: string
}
