// Producers and readers on two brokers that crash, over a store and metadata that fail: whatever happens, acknowledged
// records must be present exactly once and in order.
import assert from 'node:assert/strict'
import { nullLog } from '../../src/base/index.ts'
import { defaultBrokerConfig, localLogConfig, topicConfig } from '../../src/broker/index.ts'
import { Holds, openRecordLog, type RecordLog } from '../../src/broker/log/index.ts'
import { readBatchHeader, readRecords, writeRecords } from '../../src/kafka/index.ts'
import { type Metadata, MetadataClient, MetadataHub, openSqliteTransport } from '../../src/metadata/index.ts'
import { type ObjectStore, openStore } from '../../src/storage/index.ts'
import { type Faults, faultyMetadata, faultyStore, NO_FAULTS, type Process, slowCompression } from './faults.ts'
import { World } from './world.ts'

const PARTITIONS = 3
const BATCHES_PER_PRODUCER = 60
/** The default of Kafka clients. */
const IN_FLIGHT = 5
const REQUEST_TIMEOUT_MS = 5000
const LIMIT_MS = 60 * 60 * 1000

/** A broker's log and the process that runs it. */
interface Broker {
  readonly process: Process
  readonly log: RecordLog
}

interface Acknowledged {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

export class LogSimulation {
  readonly #world: World
  readonly #faults: Faults
  readonly #brokers: Broker[] = []
  readonly #acknowledged: Acknowledged[] = []
  /** Everything that any reader has seen: the value at an offset must never change. */
  readonly #seen: Map<number, string>[] = Array.from({ length: PARTITIONS }, () => new Map())
  #hub!: MetadataHub
  #metadata!: Metadata
  #store!: ObjectStore
  #partitions: readonly number[] = []
  #isOver = false

  constructor(seed: number) {
    this.#world = new World(seed)
    const some = (most: number) => (this.#world.choices.chance(0.5) ? this.#world.choices.fraction() * most : 0)
    this.#faults = {
      putFails: some(0.4),
      putLies: some(0.4),
      putLate: some(0.2),
      slow: some(0.3),
      getFails: some(0.2),
      commitFails: some(0.3),
      commitLies: some(0.3),
      commitLate: some(0.2),
    }
  }

  /** Resolves to the history of the world. */
  async run(): Promise<number> {
    const { clock, random } = this.#world
    this.#hub = new MetadataHub(await openSqliteTransport(':memory:', clock))
    this.#metadata = await MetadataClient.open(this.#hub.connect(), { random })
    this.#store = await openStore('mem://simulation')
    const [topic] = await this.#metadata.createTopics([{ name: 't', partitions: PARTITIONS, configs: {} }])
    assert.ok(topic?.ok)
    this.#partitions = topic.value.partitions
    await this.#world.run(this.#live(), LIMIT_MS)
    await this.#hub.close()
    return this.#world.history
  }

  async #live(): Promise<void> {
    for (let index = 0; index < 2; index++) this.#brokers.push(await this.#openBroker())
    const chaos = this.#crashBrokers()
    const readers = Array.from({ length: PARTITIONS }, (_, partition) => this.#read(partition))
    const producers = Array.from({ length: 4 }, (_, id) => this.#produceIdempotently(id, id % PARTITIONS))
    producers.push(this.#producePlainly('plain', 0), this.#producePlainly('simple', 1))
    await Promise.all(producers)
    this.#isOver = true
    Object.assign(this.#faults, NO_FAULTS)
    await Promise.all([chaos, ...readers])
    await this.#check()
  }

  async #openBroker(): Promise<Broker> {
    const process: Process = { alive: true }
    const log = await openRecordLog({
      metadata: await faultyMetadata(this.#hub, this.#world, this.#faults, process),
      store: faultyStore(this.#store, this.#world, this.#faults, process),
      clock: this.#world.clock,
      random: this.#world.random,
      log: nullLog,
      config: {
        ...localLogConfig,
        flushBytes: 2000,
        overlapBytes: 300,
        cacheBytes: 5000,
        uploadRetries: 1,
        mergeSteps: [1000, 10_000],
        mergeObjects: 4,
        mergeSpareObjects: 2,
        epochExpiryMs: 15_000,
        latePutsMs: 30_000,
        deadObjectGraceMs: 10_000,
        housekeepingIntervalMs: 2000,
        retentionIntervalMs: 10_000,
      },
      compress: slowCompression(this.#world),
      topicConfig: of => topicConfig(of, defaultBrokerConfig),
    })
    return { process, log }
  }

  async #crashBrokers(): Promise<void> {
    while (!this.#isOver) {
      await this.#world.clock.sleep(this.#world.choices.below(4000))
      const index = this.#world.choices.below(this.#brokers.length)
      this.#brokers[index]!.process.alive = false
      this.#brokers[index] = await this.#openBroker()
    }
  }

  #anyBroker(): Broker {
    return this.#brokers[this.#world.choices.below(this.#brokers.length)]!
  }

  /** Sends one batch; undefined if there was no response in time. */
  async #send(broker: Broker, partition: number, records: Buffer) {
    const append = {
      partition: this.#partitions[partition]!,
      records,
      header: readBatchHeader(records)!,
      appendTime: false,
    }
    const timeout = this.#world.clock.sleep(REQUEST_TIMEOUT_MS).then(() => undefined)
    const outcome = await Promise.race([broker.log.append([append]).then(([only]) => only), timeout])
    return broker.process.alive ? outcome : undefined
  }

  /** A producer that retries every batch until it is acknowledged, with several in flight, as Kafka clients do. */
  async #produceIdempotently(id: number, partition: number): Promise<void> {
    const valuesOf = (batch: number) => Array.from({ length: 1 + (batch % 3) }, (_, at) => `${id}:${batch}:${at}`)
    let sequence = 0
    const batches = Array.from({ length: BATCHES_PER_PRODUCER }, (_, batch) => {
      const fields = { timestamp: this.#world.clock.now(), producerId: id, producerEpoch: 0, baseSequence: sequence }
      const values = valuesOf(batch)
      sequence += values.length
      return {
        values,
        records: writeRecords(
          values.map(value => ({ value: Buffer.from(value) })),
          fields,
        ),
      }
    })
    let next = 0
    let broker = this.#anyBroker()
    while (next < batches.length) {
      const window = batches.slice(next, next + 1 + this.#world.choices.below(IN_FLIGHT))
      const outcomes = await Promise.all(
        window.map(({ records }) => this.#send(broker, partition, Buffer.from(records))),
      )
      for (const [index, outcome] of outcomes.entries()) {
        if (!outcome?.ok) {
          // A later batch may be out of order after one that failed, but the next one in sequence never is.
          const isNext = index === 0
          assert.ok(!isNext || !outcome || outcome.code === 'KAFKA_STORAGE_ERROR', `producer ${id}: ${outcome?.code}`)
          broker = this.#anyBroker()
          break
        }
        window[index]!.values.forEach((value, at) => {
          this.#acknowledged.push({ partition, offset: outcome.baseOffset + at, value })
        })
        next++
      }
    }
  }

  /** A producer that does not retry: acknowledged records must be stored once, others at most once. */
  async #producePlainly(name: string, partition: number): Promise<void> {
    for (let batch = 0; batch < BATCHES_PER_PRODUCER; batch++) {
      const value = `${name}:${batch}`
      const outcome = await this.#send(
        this.#anyBroker(),
        partition,
        writeRecords([{ value: Buffer.from(value) }], { timestamp: this.#world.clock.now() }),
      )
      if (outcome?.ok) this.#acknowledged.push({ partition, offset: outcome.baseOffset, value })
    }
  }

  /** Follows a partition as long as the simulation runs; must see every offset, in order, and always the same value. */
  async #read(partition: number): Promise<void> {
    let offset = 0
    while (!this.#isOver) {
      const broker = this.#anyBroker()
      const query = { partition: this.#partitions[partition]!, offset, maxBytes: 1 + this.#world.choices.below(1000) }
      const limits = { minBytes: 1, maxWaitMs: this.#world.choices.below(500), maxBytes: 10_000, readCommitted: false }
      const holds = new Holds()
      const fetching = broker.log.fetch([query], limits, new AbortController().signal, holds)
      const timeout = this.#world.clock.sleep(REQUEST_TIMEOUT_MS).then(() => undefined)
      const [fetched] = (await Promise.race([fetching, timeout])) ?? []
      if (!fetched || fetched.error === 'KAFKA_STORAGE_ERROR') continue
      assert.equal(fetched.error, 'NONE', `partition ${partition} at ${offset}`)
      // Data on its way to a client must not change, however long that takes.
      await this.#world.clock.sleep(this.#world.choices.below(300))
      offset = this.#see(partition, offset, fetched.records)
      holds.release()
    }
  }

  /** Records what was read from an offset on; returns the next offset. */
  #see(partition: number, from: number, slices: readonly Buffer[]): number {
    const seen = this.#seen[partition]!
    const bytes = Buffer.concat(slices)
    let next = from
    for (let start = 0; start < bytes.length; ) {
      const { sizeBytes, baseOffset } = readBatchHeader(bytes, start)!
      assert.ok(baseOffset <= next, `partition ${partition} has a gap between ${next} and ${baseOffset}`)
      for (const { offset, value } of readRecords(bytes.subarray(start, start + sizeBytes))) {
        const text = String(value)
        const known = seen.get(offset)
        assert.ok(known === undefined || known === text, `offset ${offset} was ${known} and is ${text}`)
        seen.set(offset, text)
        next = Math.max(next, offset + 1)
      }
      start += sizeBytes
    }
    return next
  }

  async #check(): Promise<void> {
    // Long enough to close every abandoned epoch and sweep its orphans; then a reader starts without any cached state.
    await this.#world.clock.sleep(120_000)
    for (const { process } of this.#brokers) process.alive = false
    const { log } = await this.#openBroker()
    for (const [index, partition] of this.#partitions.entries()) {
      let offset = 0
      for (;;) {
        const limits = { minBytes: 0, maxWaitMs: 0, maxBytes: 1e6, readCommitted: false }
        const [fetched] = await log.fetch([{ partition, offset, maxBytes: 1e6 }], limits, new AbortController().signal)
        assert.equal(fetched?.error, 'NONE')
        if (fetched.sizeBytes === 0) break
        offset = this.#see(index, offset, fetched.records)
      }
      const seen = this.#seen[index]!
      assert.equal(seen.size, offset, 'offsets are dense, and nothing was seen that is not there')
      this.#checkOrder(
        index,
        [...seen].sort(([a], [b]) => a - b).map(([, value]) => value),
      )
    }
    for (const { partition, offset, value } of this.#acknowledged) {
      assert.equal(this.#seen[partition]!.get(offset), value, `acknowledged at ${offset}`)
    }
    await log.close()
    await this.#checkObjects()
  }

  #checkOrder(partition: number, values: readonly string[]): void {
    assert.equal(new Set(values).size, values.length, `partition ${partition} has duplicates`)
    const idempotent = values.filter(value => /^\d/.test(value))
    for (const [id, ofProducer] of Object.entries(Object.groupBy(idempotent, value => value.split(':')[0]!))) {
      const sorted = ofProducer!.toSorted((a, b) => rank(a) - rank(b))
      assert.deepEqual(ofProducer, sorted, `producer ${id} keeps its order`)
      assert.equal(new Set(ofProducer!.map(value => value.split(':')[1])).size, BATCHES_PER_PRODUCER)
    }
  }

  /** Unreferenced objects of closed epochs must be swept: only the last brokers may have left some. */
  async #checkObjects(): Promise<void> {
    const objects = await this.#store.list({ prefix: 'data/', limit: 1e6 })
    const known = await this.#metadata.knownObjects(objects.map(({ key }) => key))
    const closed = new Set((await this.#metadata.closedEpochs(0)).map(String))
    const orphans = objects.filter(({ key }, index) => !known[index] && !closed.has(key.split('/')[1]!))
    assert.deepEqual(orphans, [])
  }
}

function rank(value: string): number {
  const [, batch, at] = value.split(':').map(Number)
  return batch! * 10 + at!
}
