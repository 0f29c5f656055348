import { type Clock, messageOf, type Random, workerUrl } from '../base/index.ts'
import { CallWorker, openSqliteHere } from '../database/index.ts'
import { MetadataClient } from './client.ts'
import { MetadataError } from './errors.ts'
import type { Metadata } from './metadata.ts'
import { MetadataService } from './service.ts'
import { type Transport, workerTransport } from './transport.ts'

interface SqliteMetadataOptions {
  /**
   * The database's file, which is opened in its own thread, or `:memory:` for
   * metadata that lives as long as the process.
   */
  readonly path: string
  readonly clock: Clock
  readonly random: Random
}

/**
 * Opens the metadata of a cluster in SQLite. Several processes may share the file, but they learn of
 * each other's changes only when they query.
 */
export async function openSqliteMetadata({ path, clock, random }: SqliteMetadataOptions): Promise<Metadata> {
  return MetadataClient.open(await openSqliteTransport(path, clock), { random })
}

export async function openSqliteTransport(path: string, clock: Clock): Promise<Transport> {
  if (path === ':memory:') return MetadataService.open(openSqliteHere({ path }), clock)
  const url = workerUrl(import.meta.url, './metadata.worker.ts')
  const worker = await CallWorker.open(url, { name: 'metadata', workerData: { path } }).catch((cause: unknown) => {
    const reason = messageOf(cause)
    throw new MetadataError('failed', `cannot open the metadata in ${path}: ${reason}`, { cause })
  })
  return workerTransport(worker, clock)
}
