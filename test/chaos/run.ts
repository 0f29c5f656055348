// One run: clients write and read under faults, then everything is read again and compared with what was promised.
import { execFile } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { type LocalCluster, startLocalCluster } from '../servers/local-cluster.ts'
import type { S3ServerOptions } from '../servers/s3-server.ts'
import { startTcpProxy, type TcpProxy } from '../servers/tcp-proxy.ts'
import { messageOf } from '../../src/base/index.ts'
import { type Allowed, checkHistory } from './anomalies.ts'
import { generator } from './generator.ts'
import type { History, ReadRecord, Write } from './history.ts'
import { groupHistory, GroupReader, readTopic, SeekingReader, Watcher } from './readers.ts'
import { acknowledge, offsetIn, Recorder } from './recorder.ts'
import { Relay, type RelayOptions } from './relay.ts'
import { Schedule } from './schedule.ts'
import { transactionalProducer, TransactionWriter } from './transactions.ts'
import { Writer } from './writer.ts'

const partitions = 4
const topic = 'promises'
const group = 'readers'
/** The topic that producers write to in transactions. */
const ledger = 'ledger'
const ledgerPartitions = 3
const ledgerWriters = ['ledger-one', 'ledger-two']
/** Two relays pass records on in a circle, until they end in the sink. */
const circle = ['there', 'back'] as const
const sink = 'sink'
const topics = { [topic]: partitions, [ledger]: ledgerPartitions, there: 1, back: 1, [sink]: 1 }
/** Written to all topics with transactions at the end: once it has been read, so has everything before it. */
const endMark = 'end'
/** After the last fault, everything must work again within this time. */
const healMs = 90_000

export interface RunResult {
  readonly findings: readonly string[]
  readonly summary: string
  /** When each fault happened. */
  readonly faults: readonly string[]
}

export interface RunOptions {
  readonly seed: number
  readonly seconds: number
  /** The built program, a file for Node. */
  readonly program: string
  /** Where the log files and the history of a run with findings are kept; not kept by default. */
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
  const result: { findings: string[]; summary: string; history?: History } = { findings: [], summary: 'not ended' }
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
      keepLogs(cluster, join(logFolder, `${seed}`), result.history)
    await cluster.close()
    for (const proxy of proxies) await proxy.close()
  }
  const { findings, summary } = result
  return { findings, summary, faults: schedule.log }
}

/** Keeps the log files of a run, and its history if it got so far. */
function keepLogs(cluster: LocalCluster, folder: string, history: History | undefined): void {
  cpSync(cluster.folder, folder, { recursive: true, filter: path => !path.endsWith('bucket') })
  if (history !== undefined) writeFileSync(join(folder, 'history.json'), JSON.stringify(history, mapsAsLists))
}

const mapsAsLists = (_key: string, value: unknown) => (value instanceof Map ? [...value] : value)

const commandOf = ({ program }: RunOptions) =>
  [process.execPath, '--disable-warning=ExperimentalWarning', program] as const

async function playAndCheck(
  options: RunOptions,
  cluster: LocalCluster,
  schedule: Schedule,
): Promise<Pick<RunResult, 'findings' | 'summary'> & { readonly history: History }> {
  const { seed, seconds } = options
  const recorder = new Recorder()
  const clients = startClients(cluster, recorder, seed)
  await schedule.play(seconds)
  await Promise.all([...clients.writers, ...clients.ledgers, ...clients.relays].map(one => one.stop(healMs)))
  // The relays need something to pass on until they have stopped.
  await clients.source.stop(healMs)
  await Promise.all([...clients.seekers, ...clients.members, clients.watcher].map(one => one.stop()))
  const log = await readLog(cluster, recorder)
  const brokers = addressesOf(cluster)
  const readers = clients.seekers.map(seeker => seeker.history)
  const everything = await readTopic(brokers, ledger, true)
  for (const [partition, records] of Map.groupBy(everything, record => record.partition))
    readers.push({ reader: 'reader of everything', seesAborted: true, sessions: [{ partition, from: 0, records }] })
  const given = clients.members.flatMap(({ records }) => records)
  const groups = [await groupHistory(client(cluster), group, topic, given)]
  for (const { name, from } of relays(cluster, recorder))
    groups.push(await groupHistory(client(cluster), name, from, 'in transactions'))
  for (const name of ledgerWriters) groups.push(await groupHistory(client(cluster), name, ledger, 'none'))
  const { writes, ends, commits } = recorder
  const dense = Array.from({ length: partitions }, (_, partition) => `${topic}/${partition}`)
  const history = { writes, readers, ends, commits, groups, dense, log }
  const { anomalies, allowed } = checkHistory(history)
  const findings = [
    ...anomalies.map(({ kind, text }) => `${kind}: ${text}`),
    ...clients.seekers.flatMap(seeker => seeker.findings),
    ...(await checkBucket(cluster, options)),
  ]
  return { findings, summary: `${summaryOf(history, allowed)}; ${schedule.log.length} faults`, history }
}

function startClients(cluster: LocalCluster, recorder: Recorder, seed: number) {
  const connect = () => client(cluster)
  const common = { client: connect, recorder }
  const seeker = (topic: string, partition: number, seesAborted: boolean, index: number) =>
    new SeekingReader({
      topic,
      partition,
      seesAborted,
      brokers: () => addressesOf(cluster),
      random: generator(seed + 2_000_000_000 + index),
    })
  return {
    writers: Array.from(
      { length: partitions },
      (_, partition) => new Writer({ ...common, topic, partition, pauseMs: 0 }),
    ),
    ledgers: ledgerWriters.map((name, index) => {
      const random = generator(seed + 1_000_000 * (index + 1))
      return new TransactionWriter({ ...common, topic: ledger, partitions: ledgerPartitions, name, random })
    }),
    source: new Writer({ ...common, topic: circle[0], partition: 0, pauseMs: 50 }),
    relays: relays(cluster, recorder).map(options => new Relay(options)),
    members: [1, 2].map(() => new GroupReader({ ...common, topic, group })),
    seekers: [seeker(topic, 0, true, 0), seeker(ledger, 0, false, 1), seeker(ledger, 1, true, 2)],
    watcher: new Watcher({ ...common, topic, group }),
  }
}

const relays = (cluster: LocalCluster, recorder: Recorder): RelayOptions[] =>
  [circle, circle.toReversed()].map(([from, to]) => ({
    from: from!,
    to: to!,
    sink,
    name: `relay-${from}`,
    client: () => client(cluster),
    recorder,
  }))

function summaryOf({ writes, readers, log }: History, { interleaved }: Allowed): string {
  const counts = (some: readonly Write[]) =>
    Object.entries(Object.groupBy(some, ({ outcome }) => outcome)).map(([outcome, all]) => `${all.length} ${outcome}`)
  const [transactions, single] = [true, false].map(is => writes.filter(({ offsets }) => (offsets !== undefined) === is))
  const read = readers.flatMap(({ sessions }) => sessions)
  const seen = read.reduce((sum, { records }) => sum + records.length, 0)
  return [
    `batches: ${counts(single!).join(', ')}`,
    `transactions: ${counts(transactions!).join(', ')}, ${interleaved} cycles of interleaved ones`,
    `${log.length} in the log, ${seen} read in ${read.length} positions`,
  ].join('; ')
}

const addressesOf = (cluster: LocalCluster) => cluster.agents.map(({ address }) => address)

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
  const all = Object.entries(topics).map(([name, numPartitions]) => ({ topic: name, numPartitions }))
  await admin.createTopics({ topics: all, timeout: 60_000 })
  await admin.disconnect()
}

/** What readers of committed records find in all topics at the end. */
async function readLog(cluster: LocalCluster, recorder: Recorder): Promise<ReadRecord[]> {
  const marks = await writeEndMarks(cluster, recorder)
  const log: ReadRecord[] = []
  const deadline = performance.now() + healMs
  for (const name of Object.keys(topics)) {
    const missing = (records: readonly ReadRecord[]) =>
      marks.filter(mark => mark.startsWith(`${endMark}.${name}/`) && !records.some(({ value }) => value === mark))
    let records = await readTopic(addressesOf(cluster), name, false)
    while (missing(records).length > 0) {
      if (performance.now() > deadline) throw new Error(`${name} was not read to its end: ${missing(records).join()}`)
      records = await readTopic(addressesOf(cluster), name, false)
    }
    log.push(...records)
  }
  return log
}

/** Writes one record to each partition: those of topics with transactions in one transaction. */
async function writeEndMarks(cluster: LocalCluster, recorder: Recorder): Promise<string[]> {
  const producer = transactionalProducer(client(cluster), endMark)
  const plain = client(cluster).producer()
  await producer.connect()
  await plain.connect()
  const transaction = await producer.transaction()
  const marks: string[] = []
  for (const [name, count] of Object.entries(topics)) {
    for (let partition = 0; partition < count; partition++) {
      const value = `${endMark}.${name}/${partition}`
      marks.push(value)
      const write = recorder.begin(endMark, [{ partition: `${name}/${partition}`, value }])
      const messages = [{ partition, value }]
      write.sent[0]!.offset = offsetIn(await (name === topic ? plain : transaction).send({ topic: name, messages }))
      acknowledge(write)
    }
  }
  await transaction.commit()
  await producer.disconnect()
  await plain.disconnect()
  return marks
}

/** What is wrong in the bucket afterwards. */
async function checkBucket(cluster: LocalCluster, options: RunOptions): Promise<string[]> {
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
