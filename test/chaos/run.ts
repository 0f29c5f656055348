// One run: clients write and read, faults come and go, then everything is read again and compared with what was promised.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { type LocalCluster, startLocalCluster } from '../servers/local-cluster.ts'
import type { S3ServerOptions } from '../servers/s3-server.ts'
import { startTcpProxy, type TcpProxy } from '../servers/tcp-proxy.ts'
import { checkPromises, type Finding, type ReadRecord } from './promises.ts'
import { Schedule } from './schedule.ts'
import { Writer } from './writer.ts'

const partitions = 4
const topic = 'promises'
const group = 'readers'
/** After the last fault everything has to work again within this time. */
const healMs = 90_000

export interface RunResult {
  readonly findings: readonly Finding[]
  readonly summary: string
  /** What happened when. */
  readonly faults: readonly string[]
}

const program = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  join(import.meta.dirname, '../../dist/penstock.mjs'),
] as const

type Fault = ReturnType<NonNullable<S3ServerOptions['fault']>>

export async function runUnderFaults(seed: number, seconds: number): Promise<RunResult> {
  const proxies: TcpProxy[] = []
  let storeFault: () => Fault = () => undefined
  const cluster = await startLocalCluster({
    agents: 3,
    controlPlanes: 2,
    database: 'postgres',
    store: 's3',
    auth: 'none',
    program,
    fault: () => storeFault(),
    async between(address) {
      const proxy = await startTcpProxy(Number(new URL(address).port))
      proxies.push(proxy)
      return `http://127.0.0.1:${proxy.port}`
    },
  })
  const schedule = new Schedule(seed, cluster, proxies, fault => (storeFault = fault))
  try {
    await createTopic(cluster)
    const writers = Array.from(
      { length: partitions },
      (_, partition) => new Writer(topic, partition, () => client(cluster)),
    )
    const readers = [new Reader(cluster), new Reader(cluster)]
    await schedule.play(seconds)
    await Promise.all(writers.map(writer => writer.stop(healMs)))
    const written = writers.map(writer => writer.written)
    const records = await readAll(cluster)
    for (const reader of readers) await reader.stop()
    const promises = checkPromises(written, records, await committedOffsets(cluster))
    const findings = [...promises, ...(await checkBucket(cluster))]
    const acknowledged = written.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0)
    const unknown = written.reduce((sum, { unknown }) => sum + unknown.length, 0)
    const read = records.length
    const summary = `${acknowledged} acknowledged, ${unknown} unknown, ${read} read, ${schedule.log.length} faults`
    return { findings, summary, faults: schedule.log }
  } finally {
    await schedule.heal()
    await cluster.close()
    for (const proxy of proxies) await proxy.close()
  }
}

function client(cluster: LocalCluster): Kafka {
  return new Kafka({
    clientId: 'chaos',
    brokers: cluster.agents.map(({ address }) => address),
    connectionTimeout: 2000,
    requestTimeout: 15_000,
    logLevel: logLevel.NOTHING,
    retry: { retries: 10, initialRetryTime: 100, maxRetryTime: 2000 },
  })
}

async function createTopic(cluster: LocalCluster): Promise<void> {
  const admin = client(cluster).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
  await admin.disconnect()
}

/** A member of a group that reads and commits until it is stopped. */
class Reader {
  readonly #consumer
  readonly #running: Promise<void>

  constructor(cluster: LocalCluster) {
    this.#consumer = client(cluster).consumer({ groupId: group, sessionTimeout: 10_000, retry: { retries: 100 } })
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    await this.#running
    await this.#consumer.disconnect()
  }

  async #run(): Promise<void> {
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topic, fromBeginning: true })
    await this.#consumer.run({ autoCommitInterval: 500, eachMessage: async () => {} })
  }
}

/** Everything that is in the topic, in the order in which it is offered. */
async function readAll(cluster: LocalCluster): Promise<ReadRecord[]> {
  const admin = client(cluster).admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const missing = new Map(
    ends.filter(({ high }) => Number(high) > 0).map(({ partition, high }) => [partition, Number(high)]),
  )
  const consumer = client(cluster).consumer({ groupId: `${group}-check` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const records: ReadRecord[] = []
  const { promise: done, resolve } = Promise.withResolvers<void>()
  if (missing.size === 0) resolve()
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      const offset = Number(message.offset)
      records.push({ partition, offset, value: Number(message.value) })
      if (offset + 1 >= (missing.get(partition) ?? 0)) missing.delete(partition)
      if (missing.size === 0) resolve()
    },
  })
  await Promise.race([done, sleep(healMs)])
  await consumer.disconnect()
  if (missing.size > 0) throw new Error(`partitions ${[...missing.keys()].join()} were not read to their ends`)
  return records
}

async function committedOffsets(cluster: LocalCluster): Promise<ReadonlyMap<number, number>> {
  const admin = client(cluster).admin()
  await admin.connect()
  const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  await admin.disconnect()
  return new Map((offsets?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]))
}

/** What is wrong in the bucket afterwards. */
async function checkBucket(cluster: LocalCluster): Promise<Finding[]> {
  const { bucketUrl, bucketEnvironment, agentKey, virtualClusterId, controlPlanes } = cluster
  const [file, ...first] = program
  const flags = [
    ...['-bucketURL', bucketUrl, '-agentKey', agentKey],
    ...['-defaultVirtualClusterID', virtualClusterId, '-metadataURL', controlPlanes[0]!.address],
  ]
  const output = await new Promise<string>(resolve => {
    const options = { env: { ...process.env, ...bucketEnvironment } }
    execFile(file, [...first, 'bucket', 'check', ...flags], options, (error, stdout, stderr) =>
      resolve(error === null ? '' : stdout + stderr),
    )
  })
  return output.split('\n').filter(line => line !== '' && !line.startsWith('note: '))
}
