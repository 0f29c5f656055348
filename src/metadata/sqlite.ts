import { workerUrl } from '../base/index.ts'
import { CallWorker, openSqliteHere } from '../database/index.ts'
import { metadataError } from './calls.ts'
import { type ClientOptions, MetadataClient } from './client.ts'
import { MetadataError } from './errors.ts'
import type { Metadata } from './metadata.ts'
import { MetadataService } from './service.ts'
import { type Transport, workerTransport } from './transport.ts'

export interface SqliteMetadataOptions extends ClientOptions {
  /** The database's file, which gets a thread of its own, or `:memory:` for metadata that end with the process. */
  readonly path: string
}

/** Opens the metadata of a cluster in SQLite. Several processes may have the same file open. */
export async function openSqliteMetadata({ path, ...options }: SqliteMetadataOptions): Promise<Metadata> {
  const transport = path === ':memory:' ? await connectHere() : await connectInThread(path)
  return MetadataClient.open(transport, options)
}

async function connectHere(): Promise<Transport> {
  const service = await MetadataService.open(openSqliteHere({ path: ':memory:' })).catch((error: unknown) => {
    throw metadataError(error)
  })
  return { ...service.connect(), close: () => service.close() }
}

async function connectInThread(path: string): Promise<Transport> {
  const url = workerUrl(import.meta.url, './metadata.worker.ts')
  const worker = await CallWorker.open(url, { name: 'metadata', workerData: { path } }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MetadataError('failed', `cannot open the metadata in ${path}: ${reason}`, { cause })
  })
  return workerTransport(worker)
}
