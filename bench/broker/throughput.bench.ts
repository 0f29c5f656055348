// Throughput of one broker process in MB/s, produce and fetch, and the latency of an acknowledgement, in memory and on
// a folder. The client shares the machine but does as little as possible: its batches are built once. The first
// argument is the duration of a measurement in seconds, 3 by default.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apis, writeRecords } from '../../src/kafka/index.ts'
import { startBroker } from './broker-process.ts'
import { WireClient } from './wire-client.ts'

const SECONDS = Number(process.argv[2] ?? 3)
const PARTITIONS = 16
const BATCH_BYTES = 64 * 1024
const IN_FLIGHT = 5
const MAX_BYTES = 1_500_000_000

for (const store of ['memory', 'folder'] as const) {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'))
  const broker = await startBroker(store === 'folder' ? ['--data', folder] : [])
  try {
    for (const valueBytes of [100, 1024, 60_000]) {
      const topic = `bench-${valueBytes}`
      const { bytes, p50, p99, seconds } = await produce(broker.port, topic, valueBytes)
      const fetched = await fetchAll(broker.port, topic)
      const produced = `produce ${megabytes(bytes, seconds)} MB/s (acknowledged p50 ${p50} ms, p99 ${p99} ms)`
      console.log(`${store}, ${valueBytes} B: ${produced}, fetch ${megabytes(fetched.bytes, fetched.seconds)} MB/s`)
    }
  } finally {
    broker.child.kill()
    await once(broker.child, 'exit')
    await rm(folder, { recursive: true })
  }
}

/** Keeps IN_FLIGHT requests in flight, each with a batch for every partition. */
async function produce(port: number, topic: string, valueBytes: number) {
  const client = await WireClient.open(port)
  await client.call(apis.CreateTopics, 5, {
    topics: [{ name: topic, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
  })
  const value = Buffer.alloc(valueBytes, 'x')
  const count = Math.max(1, Math.floor(BATCH_BYTES / valueBytes))
  const records = writeRecords(
    Array.from({ length: count }, () => ({ value })),
    { timestamp: Date.now() },
  )
  const partitionData = Array.from({ length: PARTITIONS }, (_, index) => ({ index, records }))
  const request = { acks: -1, timeoutMs: 30_000, topicData: [{ name: topic, partitionData }] }
  const start = performance.now()
  const latencies: number[] = []
  let bytes = 0
  const lane = async () => {
    while (performance.now() - start < SECONDS * 1000 && bytes < MAX_BYTES) {
      const sent = performance.now()
      const { responses } = await client.call(apis.Produce, 9, request)
      if (responses[0]!.partitionResponses.some(({ errorCode }) => errorCode !== 0)) throw new Error('not stored')
      latencies.push(performance.now() - sent)
      bytes += records.length * PARTITIONS
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  const seconds = (performance.now() - start) / 1000
  client.close()
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]!.toFixed(1)
  return { bytes, seconds, p50: at(0.5), p99: at(0.99) }
}

/** Reads all partitions from the beginning, one request at a time, as a consumer does. */
async function fetchAll(port: number, topic: string) {
  const client = await WireClient.open(port)
  const next = Array.from({ length: PARTITIONS }, () => 0)
  const start = performance.now()
  let bytes = 0
  for (;;) {
    const partitions = next.map((fetchOffset, partition) => ({ partition, fetchOffset, partitionMaxBytes: 1 << 20 }))
    const limits = { maxWaitMs: 0, minBytes: 1, maxBytes: 50 << 20, isolationLevel: 0 }
    const answer = await client.call(apis.Fetch, 11, { ...limits, topics: [{ topic, partitions }] })
    let got = 0
    for (const { partitionIndex, records } of answer.responses[0]!.partitions) {
      if (!records) continue
      got += records.length
      for (let at = 0; at < records.length; at += records.readInt32BE(at + 8) + 12) {
        next[partitionIndex] = Number(records.readBigInt64BE(at)) + records.readInt32BE(at + 23) + 1
      }
    }
    if (got === 0) break
    bytes += got
  }
  client.close()
  return { bytes, seconds: (performance.now() - start) / 1000 }
}

function megabytes(bytes: number, seconds: number): string {
  return (bytes / 1e6 / seconds).toFixed(0)
}
