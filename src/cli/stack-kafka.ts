import { rmSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { KafkaFigures } from '../agent/index.ts'
import { hostPort, reachableHost, systemClock, systemRandom } from '../base/index.ts'
import { Broker, localLogConfig } from '../broker/index.ts'
import { type Metadata, openSqliteMetadata } from '../metadata/index.ts'
import { openStore } from '../storage/index.ts'
import { kafkaSecurity } from './kafka-security.ts'
import { listen } from './listen.ts'
import type { Closers, StackOptions } from './stack.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** The Kafka port of a stack. */
export interface KafkaPort {
  /** Where clients connect, `host:port`. */
  readonly address: string
  /** How this process reaches it. */
  readonly connectHost: string
  readonly port: number
  readonly metadata: Metadata
  readonly figures: KafkaFigures
}

/** Opens metadata, bucket and broker, and listens. */
export async function startKafka(options: StackOptions, closers: Closers): Promise<KafkaPort> {
  const { folder, host, kafkaPort, log } = options
  const metadata = await openSqliteMetadata({
    path: folder?.metadata ?? ':memory:',
    clock: systemClock,
    random: systemRandom,
  })
  closers.push(() => metadata.close())
  metadata.onLost(options.onLost)
  const bucket = folder?.bucket ?? temporaryBucket(closers)
  // What ends with the process need not survive the machine.
  const store = await openStore(pathToFileURL(bucket).href, { fsync: folder !== null })
  const connectHost = reachableHost(host)
  const advertisedHost = options.advertisedHost === '' ? connectHost : options.advertisedHost
  const broker = await listen('kafkaPort', host, kafkaPort, port =>
    Broker.open({
      metadata,
      store,
      clock: systemClock,
      random: systemRandom,
      log,
      logConfig: localLogConfig,
      port,
      host,
      security: kafkaSecurity(options.kafkaSecurity, metadata),
      // The data folder is locked, so that no two brokers run over it.
      instanceId: 'standalone',
      config: {
        advertisedHost,
        rack: options.availabilityZone === '' ? null : options.availabilityZone,
        // Consumers that are started one after the other by hand should not wait for three seconds each time.
        groupInitialRebalanceDelayMs: 0,
      },
    }),
  )
  closers.push(() => broker.close())
  const { port } = broker
  return { address: hostPort(advertisedHost, port), connectHost, port, metadata, figures: figuresOf(broker, metadata) }
}

function figuresOf(broker: Broker, metadata: Metadata): KafkaFigures {
  const produced = { bytes: 0, records: 0 }
  metadata.onAppend((appended, isOwn) => {
    if (!isOwn) return
    for (const { extents } of appended) {
      for (const { baseOffset, lastOffset, sizeBytes } of extents) {
        produced.bytes += sizeBytes
        produced.records += lastOffset - baseOffset + 1
      }
    }
  })
  return {
    connections: () => broker.counters.connectionsOpen,
    traffic: () => ({
      producedBytes: produced.bytes,
      producedRecords: produced.records,
      fetchedBytes: broker.counters.bytesOut,
    }),
    requests: () => broker.counters.requests,
  }
}

function temporaryBucket(closers: Closers): string {
  const folder = temporaryFolder('playground')
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
