import { setTimeout as sleep } from 'node:timers/promises'
import { apis, writeRecords } from '../../src/kafka/index.ts'
import { WireClient } from './wire-client.ts'

/** Maximum size of the values of a batch, below the default limit of brokers, and of a Produce request, in bytes. */
const MAX_BATCH_BYTES = 900_000
const MAX_REQUEST_BYTES = 4 * 1024 * 1024
const IN_FLIGHT = 5
/** How long a new topic may take until its partitions accept records, in milliseconds. */
const SETTLE_MS = 300_000

export interface Load {
  readonly topic: string
  readonly partitions: number
  readonly valueBytes: number
  /** Maximum size of a batch in bytes; by default a request has a batch for each partition. */
  readonly batchBytes?: number
  readonly seconds: number
  readonly maxBytes: number
}

/** What was moved in how long, with the latencies of the answers in milliseconds. */
export interface Moved {
  readonly bytes: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
}

/** Creates a topic, and returns once each of its partitions has accepted a record. */
export async function createTopic(port: number, name: string, partitions: number): Promise<void> {
  const client = await WireClient.open(port)
  await client.call(apis.CreateTopics, 5, {
    topics: [{ name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 30_000,
  })
  const records = writeRecords([{ value: Buffer.from('first') }], { timestamp: Date.now() })
  const end = performance.now() + SETTLE_MS
  let missing = Array.from({ length: partitions }, (_, index) => index)
  while (missing.length > 0) {
    const partitionData = missing.map(index => ({ index, records }))
    const request = { acks: -1, timeoutMs: 30_000, topicData: [{ name, partitionData }] }
    const { responses } = await client.call(apis.Produce, 9, request)
    missing = responses[0]!.partitionResponses.filter(({ errorCode }) => errorCode !== 0).map(({ index }) => index)
    if (performance.now() > end) throw new Error(`${missing.length} partitions of ${name} accept no records`)
    if (missing.length > 0) await sleep(200)
  }
  client.close()
}

/** Produces as fast as the broker answers, a few requests at a time; each request has batches for many partitions. */
export async function produce(port: number, load: Load): Promise<Moved> {
  const { topic, partitions, valueBytes, seconds, maxBytes } = load
  const client = await WireClient.open(port)
  const value = Buffer.alloc(valueBytes, 'x')
  const batchBytes = load.batchBytes ?? Math.min(MAX_BATCH_BYTES, MAX_REQUEST_BYTES / partitions)
  const records = writeRecords(
    Array.from({ length: Math.max(1, Math.floor(batchBytes / valueBytes)) }, () => ({ value })),
    { timestamp: Date.now() },
  )
  const together = Math.min(partitions, Math.max(1, Math.floor(MAX_REQUEST_BYTES / records.length)))
  let nextPartition = 0
  const latencies: number[] = []
  let bytes = 0
  const start = performance.now()
  const lane = async () => {
    while (performance.now() - start < seconds * 1000 && bytes < maxBytes) {
      const partitionData = Array.from({ length: together }, () => ({ index: nextPartition++ % partitions, records }))
      const sent = performance.now()
      const request = { acks: -1, timeoutMs: 30_000, topicData: [{ name: topic, partitionData }] }
      const { responses } = await client.call(apis.Produce, 9, request)
      if (responses[0]!.partitionResponses.some(({ errorCode }) => errorCode !== 0)) throw new Error('not stored')
      latencies.push(performance.now() - sent)
      bytes += records.length * together
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  const took = (performance.now() - start) / 1000
  client.close()
  return { bytes, seconds: took, ...percentiles(latencies) }
}

/** Reads all partitions from the beginning, one request at a time, as a consumer does, or as much as the time allows. */
export async function consume(port: number, topic: string, partitions: number, maxSeconds = Infinity): Promise<Moved> {
  const client = await WireClient.open(port)
  const next = Array.from({ length: partitions }, () => 0)
  const latencies: number[] = []
  const start = performance.now()
  let bytes = 0
  while (performance.now() - start < maxSeconds * 1000) {
    const wanted = next.map((fetchOffset, partition) => ({ partition, fetchOffset, partitionMaxBytes: 1 << 20 }))
    const limits = { maxWaitMs: 0, minBytes: 1, maxBytes: 50 << 20, isolationLevel: 0 }
    const sent = performance.now()
    const answer = await client.call(apis.Fetch, 11, { ...limits, topics: [{ topic, partitions: wanted }] })
    latencies.push(performance.now() - sent)
    let got = 0
    for (const { partitionIndex, records } of answer.responses[0]!.partitions) {
      if (!records) continue
      got += records.length
      // The last batch may be incomplete.
      for (let at = 0; at + 12 <= records.length; ) {
        const end = at + records.readInt32BE(at + 8) + 12
        if (end > records.length) break
        next[partitionIndex] = Number(records.readBigInt64BE(at)) + records.readInt32BE(at + 23) + 1
        at = end
      }
    }
    if (got === 0) break
    bytes += got
  }
  client.close()
  return { bytes, seconds: (performance.now() - start) / 1000, ...percentiles(latencies) }
}

export function percentiles(latencies: readonly number[]): { p50: number; p99: number } {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}
