// One run: clients write and read under faults, then everything is read again and compared with what was promised.
import { execFile } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { type LocalCluster, startLocalCluster } from '../servers/local-cluster.ts'
import type { S3ServerOptions } from '../servers/s3-server.ts'
import { startTcpProxy, type TcpProxy } from '../servers/tcp-proxy.ts'
import { messageOf } from '../../src/base/index.ts'
import { generator } from './generator.ts'
import { checkPromises, checkTransactions, type Finding, type ReadRecord, type TransactionRecord } from './promises.ts'
import { Schedule } from './schedule.ts'
import { TransactionWriter } from './transactions.ts'
import { Writer } from './writer.ts'

const partitions = 4
const topic = 'promises'
const group = 'readers'
/** The topic that producers write to in transactions. */
const ledger = 'ledger'
const ledgerPartitions = 3
const ledgerWriters = ['ledger-one', 'ledger-two']
/** Written to the ledger at the end: once it has been read, so has everything before it. */
const endMark = 'end'
/** After the last fault, everything must work again within this time. */
const healMs = 90_000

export interface RunResult {
  readonly findings: readonly Finding[]
  readonly summary: string
  /** When each fault happened. */
  readonly faults: readonly string[]
}

export interface RunOptions {
  readonly seed: number
  readonly seconds: number
  /** The built program, a file for Node. */
  readonly program: string
  /** Where the log files of a run with findings are copied; not copied by default. */
  readonly logFolder?: string | undefined
}

type Fault = ReturnType<NonNullable<S3ServerOptions['fault']>>

export async function runUnderFaults(options: RunOptions): Promise<RunResult> {
  const { seed, logFolder } = options
  const proxies: TcpProxy[] = []
  let storeFault: () => Fault = () => undefined
  const cluster = await startLocalCluster({
    agents: 3,
    controlPlanes: 2,
    database: 'postgres',
    store: 's3',
    auth: 'none',
    program: commandOf(options),
    fault: () => storeFault(),
    async between(address) {
      const proxy = await startTcpProxy(Number(new URL(address).port))
      proxies.push(proxy)
      return `http://127.0.0.1:${proxy.port}`
    },
  })
  const schedule = new Schedule(seed, cluster, proxies, fault => (storeFault = fault))
  const result: { findings: Finding[]; summary: string } = { findings: [], summary: 'not ended' }
  try {
    await createTopics(cluster)
    Object.assign(result, await playAndCheck(options, cluster, schedule))
  } catch (error) {
    // A run that cannot be ended is a finding as well.
    result.findings.push(messageOf(error))
  } finally {
    await schedule.heal()
    result.findings.push(...schedule.findings)
    if (result.findings.length > 0 && logFolder !== undefined)
      cpSync(cluster.folder, join(logFolder, `${seed}`), { recursive: true, filter: path => !path.endsWith('bucket') })
    await cluster.close()
    for (const proxy of proxies) await proxy.close()
  }
  return { ...result, faults: schedule.log }
}

const commandOf = ({ program }: RunOptions) =>
  [process.execPath, '--disable-warning=ExperimentalWarning', program] as const

async function playAndCheck(
  options: RunOptions,
  cluster: LocalCluster,
  schedule: Schedule,
): Promise<Pick<RunResult, 'findings' | 'summary'>> {
  const { seed, seconds } = options
  const writers = Array.from(
    { length: partitions },
    (_, partition) => new Writer(topic, partition, () => client(cluster)),
  )
  const ledgers = ledgerWriters.map(
    (name, index) =>
      new TransactionWriter({
        topic: ledger,
        partitions: ledgerPartitions,
        name,
        client: () => client(cluster),
        random: generator(seed + 1_000_000 * (index + 1)),
      }),
  )
  const readers = [new Reader(cluster), new Reader(cluster)]
  await schedule.play(seconds)
  await Promise.all([...writers, ...ledgers].map(writer => writer.stop(healMs)))
  const written = writers.map(writer => writer.written)
  const transactions = ledgers.map(writer => writer.written)
  const records = await readAll(cluster)
  const visible = await readLedger(cluster)
  for (const reader of readers) await reader.stop()
  const findings = checkPromises(written, records, await committedOffsets(cluster, group, topic))
  for (const one of transactions) {
    const offsets = await committedOffsets(cluster, one.name, ledger)
    findings.push(...checkTransactions(one, visible, offsets.get(0) ?? -1))
  }
  findings.push(...(await checkBucket(cluster, options)))
  const acknowledged = written.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0)
  const unknown = written.reduce((sum, { unknown }) => sum + unknown.length, 0)
  const ended = Object.entries(
    Object.groupBy(
      transactions.flatMap(({ outcomes }) => outcomes),
      outcome => outcome,
    ),
  ).map(([outcome, all]) => `${all.length} ${outcome}`)
  const summary = `${acknowledged} acknowledged, ${unknown} unknown, ${records.length} read; transactions: ${ended.join(', ')}; ${schedule.log.length} faults`
  return { findings, summary }
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

async function createTopics(cluster: LocalCluster): Promise<void> {
  const admin = client(cluster).admin()
  await admin.connect()
  await admin.createTopics({
    topics: [
      { topic, numPartitions: partitions },
      { topic: ledger, numPartitions: ledgerPartitions },
    ],
  })
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

/** Everything in the topic, in the order in which it is delivered. */
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

/** What a reader of committed records finds in the ledger, in the order in which it is delivered. */
async function readLedger(cluster: LocalCluster): Promise<TransactionRecord[]> {
  const producer = client(cluster).producer({ transactionalId: endMark, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const transaction = await producer.transaction()
  for (let partition = 0; partition < ledgerPartitions; partition++)
    await transaction.send({ topic: ledger, messages: [{ partition, key: endMark, value: endMark }] })
  await transaction.commit()
  await producer.disconnect()
  const missing = new Set(Array.from({ length: ledgerPartitions }, (_, partition) => partition))
  const records: TransactionRecord[] = []
  const { promise: done, resolve } = Promise.withResolvers<void>()
  const consumer = client(cluster).consumer({ groupId: `${ledger}-check`, readUncommitted: false })
  await consumer.connect()
  await consumer.subscribe({ topic: ledger, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      const name = String(message.key)
      if (name === endMark) missing.delete(partition)
      else records.push({ partition, name, number: Number(message.value) })
      if (missing.size === 0) resolve()
    },
  })
  await Promise.race([done, sleep(healMs)])
  await consumer.disconnect()
  if (missing.size > 0) throw new Error(`partitions ${[...missing].join()} of the ledger were not read to their ends`)
  return records
}

async function committedOffsets(
  cluster: LocalCluster,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, number>> {
  const admin = client(cluster).admin()
  await admin.connect()
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
  await admin.disconnect()
  return new Map((offsets?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]))
}

/** What is wrong in the bucket afterwards. */
async function checkBucket(cluster: LocalCluster, options: RunOptions): Promise<Finding[]> {
  const { bucketUrl, bucketEnvironment, agentKey, virtualClusterId, controlPlanes } = cluster
  const [file, ...first] = commandOf(options)
  const flags = [
    ...['-bucketURL', bucketUrl, '-agentKey', agentKey],
    ...['-defaultVirtualClusterID', virtualClusterId, '-metadataURL', controlPlanes[0]!.address],
  ]
  const output = await new Promise<string>(resolve => {
    const environment = { env: { ...process.env, ...bucketEnvironment } }
    execFile(file, [...first, 'bucket', 'check', ...flags], environment, (error, stdout, stderr) =>
      resolve(error === null ? '' : stdout + stderr),
    )
  })
  return output.split('\n').filter(line => line !== '' && !line.startsWith('note: '))
}
