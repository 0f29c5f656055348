// How long after one agent has acknowledged a record a consumer waiting at another agent receives it: two agents in
// separate processes, over SQLite with one control plane, and over PostgreSQL with two. The first argument is the
// number of records.
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaClient } from '../../src/agent/index.ts'
import { writeRecords } from '../../src/kafka/index.ts'
import { type LocalCluster, startLocalCluster } from '../../test/servers/local-cluster.ts'
import { hasPostgres } from '../../test/servers/postgres-server.ts'

const count = Number(process.argv[2] ?? 200)
const topic = 'wake'

for (const [database, controlPlanes] of [
  ['sqlite', 1],
  ['postgres', 2],
] as const) {
  if (database === 'postgres' && !hasPostgres()) continue
  const cluster = await startLocalCluster({
    agents: 2,
    controlPlanes,
    database,
    store: 'file',
    auth: 'none',
    program: [join(import.meta.dirname, '../../bin/penstock')],
  })
  try {
    const delays = await measure(cluster)
    const at = (share: number) => delays[Math.ceil(share * delays.length) - 1]!.toFixed(1)
    console.log(
      `${database}, ${controlPlanes} control planes: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms`,
    )
  } finally {
    await cluster.close()
  }
}

/** The delays in milliseconds, sorted. */
async function measure({ agents }: LocalCluster): Promise<number[]> {
  const clients = agents.map(({ address }) => {
    const { hostname, port } = new URL(`kafka://${address}`)
    return new KafkaClient(hostname, Number(port))
  })
  const [producer, consumer] = clients as [KafkaClient, KafkaClient] // there are two agents
  await producer.send('CreateTopics', {
    topics: [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
  })
  const delays: number[] = []
  for (let offset = 0; offset < count; offset++) {
    const woken = fetchAt(consumer, offset)
    await sleep(20)
    const records = writeRecords([{ value: Buffer.from('x') }], { timestamp: Date.now() })
    await producer.send('Produce', { acks: -1, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }] })
    const acknowledgedAt = performance.now()
    delays.push((await woken) - acknowledgedAt)
  }
  for (const client of clients) await client.close()
  return delays.toSorted((one, two) => one - two)
}

/** Resolves to the time at which the record of this offset arrived. */
async function fetchAt(client: KafkaClient, fetchOffset: number): Promise<number> {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1e6 }]
  const request = { maxWaitMs: 10_000, minBytes: 1, maxBytes: 1e6, isolationLevel: 0, topics: [{ topic, partitions }] }
  const { responses } = await client.send('Fetch', request)
  if (!responses[0]?.partitions[0]?.records?.length) throw new Error(`offset ${fetchOffset} did not come`)
  return performance.now()
}
