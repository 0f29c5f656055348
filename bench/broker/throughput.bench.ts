// Throughput of one broker process in MB/s, produce and fetch, and the latency of an acknowledgement, in memory and on
// a folder. The client shares the machine but does as little as possible: its batches are built once. The first
// argument is the duration of a measurement in seconds, 3 by default.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from './broker-process.ts'
import { consume, createTopic, produce } from './load.ts'

const SECONDS = Number(process.argv[2] ?? 3)
const PARTITIONS = 16
const BATCH_BYTES = 64 * 1024
const MAX_BYTES = 1_500_000_000

for (const store of ['memory', 'folder'] as const) {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'))
  const broker = await startBroker(store === 'folder' ? ['--data', folder] : [])
  try {
    for (const valueBytes of [100, 1024, 60_000]) {
      const topic = `bench-${valueBytes}`
      await createTopic(broker.port, topic, PARTITIONS)
      const load = { topic, partitions: PARTITIONS, valueBytes, batchBytes: BATCH_BYTES, seconds: SECONDS }
      const { bytes, p50, p99, seconds } = await produce(broker.port, { ...load, maxBytes: MAX_BYTES })
      const fetched = await consume(broker.port, topic, PARTITIONS)
      const latency = `acknowledged p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`
      const produced = `produce ${megabytes(bytes, seconds)} MB/s (${latency})`
      console.log(`${store}, ${valueBytes} B: ${produced}, fetch ${megabytes(fetched.bytes, fetched.seconds)} MB/s`)
    }
  } finally {
    broker.child.kill()
    await once(broker.child, 'exit')
    await rm(folder, { recursive: true })
  }
}

function megabytes(bytes: number, seconds: number): string {
  return (bytes / 1e6 / seconds).toFixed(0)
}
