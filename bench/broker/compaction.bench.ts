// A compacted topic that is cleaned while it grows: time, size and memory, acknowledgements of another topic, and
// whether the latest value of every key is there at the end. With KILLS its broker is killed that often on the way.
// `UPDATES=5000000 KEYS=1000000 KILLS=0`
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { apis, readRecords, writeRecords } from '../../src/kafka/index.ts'
import { Choices } from '../../test/choices.ts'
import { type BrokerProcess, startBroker } from './broker-process.ts'
import { WireClient } from './wire-client.ts'

/** Calls with a connection of its own until it succeeds, across restarts of the broker. */
class Caller {
  #client: WireClient | undefined

  async call<Result>(request: (client: WireClient) => Promise<Result | undefined>): Promise<Result> {
    for (;;) {
      try {
        this.#client ??= await WireClient.open(broker.port)
        const result = await request(this.#client)
        if (result !== undefined) return result
      } catch {
        // The broker was killed: connect again, and repeat the request.
        this.#client?.close()
        this.#client = undefined
      }
      await sleep(50)
    }
  }

  close(): void {
    this.#client?.close()
  }
}

const updates = Number(process.env.UPDATES ?? 5_000_000)
const keys = Number(process.env.KEYS ?? 1_000_000)
const kills = Number(process.env.KILLS ?? 0)
const partitions = 8
const recordsPerBatch = 5000
const valueBytes = 64
/** With kills in between, cleanings have to begin soon after a start. */
const housekeepingMs = kills > 0 ? 500 : 5000
/** The sizes of the partitions count as settled after so many rounds of housekeeping without a change. */
const quietRounds = 5

const folder = await mkdtemp(join(tmpdir(), 'penstock-compaction-'))
const choices = new Choices(1)
/** The number of the latest acknowledged update of each key; 0 for none. */
const latest = new Uint32Array(keys)
let acknowledged = 0
let killed = 0
let peakBytes = 0
let broker = await start()

try {
  await createTopic('latest', partitions, [{ name: 'cleanup.policy', value: 'compact' }])
  await createTopic('beside', 1, [])
  const startedAt = performance.now()
  await Promise.all([...Array.from({ length: partitions }, (_, partition) => update(partition)), kill()])
  const producedAt = performance.now()
  // Only now, because building the batches keeps this process busy.
  const stop = new AbortController()
  const beside = acknowledgeBeside(stop.signal)
  const bytes = await settledSize()
  const settledAt = performance.now() - quietRounds * housekeepingMs
  notePeak()
  stop.abort()
  const latencies = (await beside).toSorted((one, two) => one - two)
  const left = await verify()
  const seconds = (from: number, to: number) => (Math.max(0, to - from) / 1000).toFixed(0)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]!.toFixed(1)
  console.log(`${acknowledged} updates of ${keys} keys in ${seconds(startedAt, producedAt)} s, ${killed} kills`)
  console.log(`clean ${seconds(producedAt, settledAt)} s later: ${left} records, ${(bytes / 1e6).toFixed(0)} MB`)
  console.log(`the latest value of every key is there; peak memory ${(peakBytes / 1e6).toFixed(0)} MB`)
  console.log(`acknowledgements of another topic while it is cleaned: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
} finally {
  broker.child.kill()
  await once(broker.child, 'exit')
  await rm(folder, { recursive: true })
}

function start(port = 0): Promise<BrokerProcess> {
  const flags = ['--data', folder, '--port', `${port}`, '--housekeeping-ms', `${housekeepingMs}`]
  return startBroker(flags)
}

/** The broker's memory is known while it runs. */
function notePeak(): void {
  const status = readFileSync(`/proc/${broker.child.pid}/status`, 'utf8')
  peakBytes = Math.max(peakBytes, Number(/VmHWM:\s+(\d+)/.exec(status)![1]) * 1024)
}

async function kill(): Promise<void> {
  while (killed < kills) {
    await sleep(500 + choices.below(3000))
    notePeak()
    broker.child.kill('SIGKILL')
    await once(broker.child, 'exit')
    broker = await start(broker.port)
    killed++
  }
}

async function createTopic(name: string, numPartitions: number, configs: { name: string; value: string }[]) {
  const client = await WireClient.open(broker.port)
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs }
  const { topics } = await client.call(apis.CreateTopics, 5, { topics: [topic], timeoutMs: 10_000 })
  assert.equal(topics[0]!.errorCode, 0)
  client.close()
}

/** Resolves once the batch is acknowledged. Whether an attempt that failed was stored as well does not matter here. */
async function produce(caller: Caller, name: string, index: number, records: Buffer): Promise<void> {
  const request = { acks: -1, timeoutMs: 30_000, topicData: [{ name, partitionData: [{ index, records }] }] }
  await caller.call(async client => {
    const { responses } = await client.call(apis.Produce, 9, request)
    return responses[0]!.partitionResponses[0]!.errorCode === 0 || undefined
  })
}

/** Updates random keys of one partition, one batch at a time, so that the last one acknowledged is the latest. */
async function update(partition: number): Promise<void> {
  const caller = new Caller()
  const keysHere = Math.floor((keys - partition + partitions - 1) / partitions)
  while (acknowledged < updates || killed < kills) {
    // What is left of the kills after the last update needs something to clean, not as much as possible.
    if (acknowledged >= updates) await sleep(200)
    const batch = Array.from({ length: recordsPerBatch }, (_, index) => ({
      key: partition + choices.below(keysHere) * partitions,
      number: acknowledged + index + 1,
    }))
    acknowledged += recordsPerBatch
    const records = batch.map(({ key, number }) => {
      const value = Buffer.alloc(valueBytes)
      value.writeUInt32BE(number)
      return { key: Buffer.from(`key-${key}`), value }
    })
    await produce(caller, 'latest', partition, writeRecords(records, { timestamp: Date.now() }))
    for (const { key, number } of batch) latest[key] = number
  }
  caller.close()
}

/** Sends small records to another topic and returns how long each acknowledgement took, in ms. */
async function acknowledgeBeside(signal: AbortSignal): Promise<number[]> {
  const caller = new Caller()
  const latencies: number[] = []
  const records = writeRecords([{ value: Buffer.from('x') }], { timestamp: Date.now() })
  while (!signal.aborted) {
    const sentAt = performance.now()
    await produce(caller, 'beside', 0, records)
    latencies.push(performance.now() - sentAt)
    await sleep(50)
  }
  caller.close()
  return latencies
}

/** Resolves with the topic's size in bytes once cleaning has ended. */
async function settledSize(): Promise<number> {
  const client = await WireClient.open(broker.port)
  const topic = { topic: 'latest', partitions: Array.from({ length: partitions }, (_, index) => index) }
  let [size, rounds] = [-1, 0]
  while (rounds < quietRounds) {
    await sleep(housekeepingMs)
    const { results } = await client.call(apis.DescribeLogDirs, 1, { topics: [topic] })
    const now = results[0]!.topics[0]!.partitions.reduce((sum, { partitionSize }) => sum + Number(partitionSize), 0)
    rounds = now === size ? rounds + 1 : 0
    size = now
  }
  client.close()
  return size
}

/** Reads the topic, compares the last value of each key with the latest update, and returns how many records there are. */
async function verify(): Promise<number> {
  const client = await WireClient.open(broker.port)
  const found = new Uint32Array(keys)
  let count = 0
  for (let partition = 0; partition < partitions; partition++) {
    for (let fetchOffset = 0; ; ) {
      const limits = { maxWaitMs: 0, minBytes: 1, maxBytes: 50 << 20, isolationLevel: 0 }
      const wanted = { topic: 'latest', partitions: [{ partition, fetchOffset, partitionMaxBytes: 16 << 20 }] }
      const { responses } = await client.call(apis.Fetch, 11, { ...limits, topics: [wanted] })
      const { records, errorCode } = responses[0]!.partitions[0]!
      assert.equal(errorCode, 0)
      if (!records || records.length === 0) break
      for (let at = 0; at < records.length; ) {
        const end = at + records.readInt32BE(at + 8) + 12
        for (const { key, value } of readRecords(records.subarray(at, end))) {
          found[Number(key!.toString().slice('key-'.length))] = value!.readUInt32BE(0)
          count++
        }
        fetchOffset = Number(records.readBigInt64BE(at)) + records.readInt32BE(at + 23) + 1
        at = end
      }
    }
  }
  client.close()
  for (const [key, number] of latest.entries())
    assert.equal(found[key], number, `key-${key} has update ${found[key]}, not its latest`)
  return count
}
