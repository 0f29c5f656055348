// A broker alone, for tests and measurements: node tools/broker.ts [--data FOLDER] [--database postgres://…] [--port
// 9092] [--partitions 1] [--node-id 1] [--lease-ms 10000]
//   [--housekeeping-ms 15000] [--cache-mb 256]
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { type Log, nullLog, systemClock, systemRandom } from '../src/base/index.ts'
import { Broker, localLogConfig } from '../src/broker/index.ts'
import { openPostgresMetadata, openSqliteMetadata } from '../src/metadata/index.ts'
import { openStore } from '../src/storage/index.ts'

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '9092' },
    /** A folder for records and metadata; without it everything is in memory. */
    data: { type: 'string' },
    /** A PostgreSQL database for the metadata, which several brokers may share. */
    database: { type: 'string' },
    'node-id': { type: 'string', default: '1' },
    'lease-ms': { type: 'string', default: '10000' },
    partitions: { type: 'string', default: '1' },
    'housekeeping-ms': { type: 'string', default: `${localLogConfig.housekeepingIntervalMs}` },
    'cache-mb': { type: 'string', default: `${localLogConfig.cacheBytes / 1024 ** 2}` },
    verbose: { type: 'boolean', default: false },
  },
})

const consoleLog: Log = {
  ...nullLog,
  error: (message, fields) => console.error('error', message, fields),
  warn: (message, fields) => console.error('warn', message, fields),
  info: (message, fields) => flags.verbose && console.error('info', message, fields),
  debug: (message, fields) => flags.verbose && console.error('debug', message, fields),
  enabled: level => flags.verbose || level === 'error' || level === 'warn',
}

const folder = flags.data === undefined ? undefined : resolve(flags.data)
if (folder !== undefined) mkdirSync(join(folder, 'records'), { recursive: true })
const metadata =
  flags.database === undefined
    ? await openSqliteMetadata({
        path: folder === undefined ? ':memory:' : join(folder, 'metadata.db'),
        clock: systemClock,
        random: systemRandom,
      })
    : await openPostgresMetadata({ url: flags.database, random: systemRandom, log: consoleLog })
const store = await openStore(folder === undefined ? 'mem://broker' : pathToFileURL(join(folder, 'records')).href)
const broker = await Broker.open({
  metadata,
  store,
  clock: systemClock,
  random: systemRandom,
  log: consoleLog,
  logConfig: {
    ...localLogConfig,
    housekeepingIntervalMs: Number(flags['housekeeping-ms']),
    cacheBytes: Number(flags['cache-mb']) * 1024 ** 2,
  },
  port: Number(flags.port),
  config: {
    nodeId: Number(flags['node-id']),
    coordinatorLeaseMs: Number(flags['lease-ms']),
    groupInitialRebalanceDelayMs: 0,
    numPartitions: Number(flags.partitions),
  },
})
console.log(`listening on 127.0.0.1:${broker.port}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())

async function stop(): Promise<void> {
  await broker.close()
  await metadata.close()
}
