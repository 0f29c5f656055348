// How fast the processes of one agent serve records that none of them has in memory, and how many requests they send to
// the bucket: each leads some of the partitions, and they read each object once together if requests to the bucket cost
// something. The first argument is the size in megabytes, 200 by default.
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { apis, writeRecords } from '../../src/kafka/index.ts'
import { type LocalCluster, type Member, startLocalCluster } from '../../test/servers/local-cluster.ts'
import { WireClient } from '../broker/wire-client.ts'

const megabytes = Number(process.argv[2] ?? 200)
const topic = 'cold'
const partitions = 16
const batchBytes = 64 * 1024

for (const store of ['file', 's3'] as const) {
  let reads = 0
  const cluster = await startLocalCluster({
    agents: 0,
    controlPlanes: 1,
    database: 'sqlite',
    store,
    auth: 'none',
    program: [join(import.meta.dirname, '../../bin/penstock')],
    fault({ method, range }) {
      if (method === 'GET' && range !== undefined) reads++
      return undefined
    },
  })
  try {
    await write(cluster)
    for (const count of [1, 2, 4]) {
      const agent = await cluster.addAgent(['-processes', `${count}`])
      await sleep(3000) // until each of them knows the others
      reads = 0
      const { bytes, seconds } = await readAll(agent)
      const asked = store === 's3' ? `, ${reads} reads of the bucket` : ''
      console.log(`${store}, ${count} processes: ${(bytes / 1e6 / seconds).toFixed(0)} MB/s${asked}`)
      await agent.end('SIGTERM')
    }
  } finally {
    await cluster.close()
  }
}

/** Written by an agent that stops before anything is read. */
async function write(cluster: LocalCluster): Promise<void> {
  const agent = await cluster.addAgent()
  const client = await open(agent.address)
  await client.call(apis.CreateTopics, 5, {
    topics: [{ name: topic, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
  })
  const value = Buffer.alloc(1024, 'x')
  const values = Array.from({ length: batchBytes / value.length }, () => ({ value }))
  const records = writeRecords(values, { timestamp: Date.now() })
  const partitionData = Array.from({ length: partitions }, (_, index) => ({ index, records }))
  for (let bytes = 0; bytes < megabytes * 1e6; bytes += records.length * partitions) {
    const topicData = [{ name: topic, partitionData }]
    const { responses } = await client.call(apis.Produce, 9, { acks: -1, timeoutMs: 30_000, topicData })
    if (responses[0]!.partitionResponses.some(({ errorCode }) => errorCode !== 0)) throw new Error('not stored')
  }
  client.close()
  await agent.end('SIGTERM')
}

/** Reads from each process the partitions that it leads, all concurrently. */
async function readAll(agent: Member) {
  const first = await open(agent.address)
  const { brokers, topics } = await first.call(apis.Metadata, 9, { topics: [{ name: topic }] })
  first.close()
  const start = performance.now()
  const bytes = await Promise.all(
    brokers.map(async ({ nodeId, host, port }) => {
      const led = topics[0]!.partitions.filter(({ leaderId }) => leaderId === nodeId)
      return readFrom(
        `${host}:${port}`,
        led.map(({ partitionIndex }) => partitionIndex),
      )
    }),
  )
  return { bytes: bytes.reduce((sum, one) => sum + one, 0), seconds: (performance.now() - start) / 1000 }
}

async function readFrom(address: string, led: readonly number[]): Promise<number> {
  const client = await open(address)
  const next = new Map(led.map(partition => [partition, 0]))
  let bytes = 0
  for (let got = 1; got > 0; bytes += got) {
    const wanted = Array.from(next, ([partition, fetchOffset]) => ({
      partition,
      fetchOffset,
      partitionMaxBytes: 1 << 20,
    }))
    const limits = { maxWaitMs: 0, minBytes: 1, maxBytes: 50 << 20, isolationLevel: 0 }
    const answer = await client.call(apis.Fetch, 11, { ...limits, topics: [{ topic, partitions: wanted }] })
    got = 0
    for (const { partitionIndex, records } of answer.responses[0]!.partitions) {
      if (!records) continue
      got += records.length
      for (let at = 0; at < records.length; at += records.readInt32BE(at + 8) + 12)
        next.set(partitionIndex, Number(records.readBigInt64BE(at)) + records.readInt32BE(at + 23) + 1)
    }
  }
  client.close()
  return bytes
}

function open(address: string): Promise<WireClient> {
  return WireClient.open(Number(address.split(':').at(-1)))
}
