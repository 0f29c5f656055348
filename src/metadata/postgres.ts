import { type Clock, FollowingClock, type Log, type Random, uuid } from '../base/index.ts'
import { databaseTime, openPostgres, type PostgresDatabase } from '../database/index.ts'
import { metadataError } from './calls.ts'
import { MetadataClient } from './client.ts'
import type { Metadata } from './metadata.ts'
import { PostgresFeed } from './postgres-feed.ts'
import { MetadataService } from './service.ts'
import type { Transport } from './transport.ts'

interface PostgresMetadataOptions {
  /** As for `openPostgres`. */
  readonly url: string
  /** The cluster's schema; defaults to `public`. */
  readonly schema?: string
  readonly connections?: number
  /** Source of time; defaults to the database's own clock. */
  readonly clock?: Clock
  readonly random: Random
  readonly log: Log
}

/** Opens the metadata of a cluster in PostgreSQL, which any number of processes may share. */
export async function openPostgresMetadata(options: PostgresMetadataOptions): Promise<Metadata> {
  return MetadataClient.open(await openPostgresTransport(options), options)
}

export async function openPostgresTransport(options: PostgresMetadataOptions): Promise<Transport> {
  const { random, log } = options
  try {
    const database = await openPostgres(options)
    const feed = await PostgresFeed.open(database, uuid(random), log)
    if (options.clock !== undefined) return await MetadataService.open(database, options.clock, feed)
    const clock = await FollowingClock.open({ read: () => timeOf(database), owner: 'the database', log })
    const service = await MetadataService.open(database, clock, feed)
    return withClock(service, clock)
  } catch (error) {
    throw metadataError(error)
  }
}

async function timeOf(database: PostgresDatabase): Promise<number> {
  return database.transaction({ kind: 'read' }, sql => databaseTime(database, sql))
}

function withClock(service: MetadataService, clock: FollowingClock): Transport {
  return {
    call: (name, ...values) => service.call(name, ...values),
    onChange: listener => service.onChange(listener),
    onLost: listener => service.onLost(listener),
    close: async () => {
      await clock.close()
      await service.close()
    },
  }
}
