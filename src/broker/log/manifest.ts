// Manifests: snapshots of the metadata that are written to the bucket periodically, so that the metadata can be rebuilt
// (docs/adr/0026-rebuild.md). Only `penstock bucket rebuild` reads them.
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { fieldsOf } from '../../base/index.ts'
import {
  type Metadata,
  snapshotColumns,
  snapshotKey,
  type SnapshotRow,
  type SnapshotTable,
  snapshotTableNames,
} from '../../metadata/index.ts'
import { type ObjectStore, StorageError } from '../../storage/index.ts'
import { NOTES_FOLDER } from './commit-notes.ts'

const MANIFESTS_FOLDER = 'manifests'

const VERSION = 1
const ROWS_TOGETHER = 5000
const KEYS_TOGETHER = 1000
/** Tables that must be consistent with each other: an entry in one is useless without those in the others. */
const CATALOG_TABLES: readonly SnapshotTable[] = ['topics', 'partitions', 'deleted_topics', 'deleted_partitions']
/** How often these tables are read again if topics changed in the meantime. */
const CATALOG_ATTEMPTS = 5
/** The latest manifest, and the one before it in case the latest cannot be read. */
const KEPT_MANIFESTS = 2

const decompress = promisify(gunzip)

/** Compresses a part of a manifest in the format of gzip, without keeping the event loop. */
export type Compress = (text: string) => Promise<Buffer>

export const compressInThreads: Compress = promisify(gzip)

/** The contents of a manifest. */
export interface Manifest {
  readonly key: string
  readonly clusterId: string
  /** When reading began, by the clock of the agent that wrote it, in milliseconds since 1970. */
  readonly writtenAt: number
  readonly rows: ReadonlyMap<SnapshotTable, readonly SnapshotRow[]>
}

/** The keys of the manifests in a bucket, latest first. */
export async function manifestKeys(store: ObjectStore, signal?: AbortSignal): Promise<string[]> {
  return (await allKeys(store, MANIFESTS_FOLDER, signal)).toReversed()
}

/** Whether the latest manifest is older than `intervalMs`, or topics have changed since. */
export function isManifestDue(latest: string | undefined, version: number, now: number, intervalMs: number): boolean {
  if (latest === undefined) return true
  const [at, catalogVersion] = latest.slice(MANIFESTS_FOLDER.length + 1).split('-')
  return Number(at) + intervalMs <= now || Number(catalogVersion) !== version
}

/**
 * Writes a manifest, and deletes what it replaces: the commit notes it includes, and older manifests. Rows are read
 * page by page, so that commits never wait for it; the result mixes moments, which the rebuild allows for. Topics and
 * their partitions are from one moment, unless they keep changing.
 */
export async function writeManifest(
  metadata: Metadata,
  store: ObjectStore,
  now: number,
  compress: Compress,
): Promise<void> {
  // Listed first: a commit that is noted by now is included in what is read below.
  const notes = await allKeys(store, NOTES_FOLDER)
  const { version, pieces: catalog } = await readCatalog(metadata, compress)
  const head = { version: VERSION, cluster: metadata.clusterId, at: now }
  const pieces = [await line(head, compress), ...catalog]
  for (const table of snapshotTableNames)
    if (!CATALOG_TABLES.includes(table)) pieces.push(...(await readTable(metadata, table, compress)))
  pieces.push(await line({ end: true }, compress))
  const older = await manifestKeys(store)
  await store.put(`${MANIFESTS_FOLDER}/${String(now).padStart(15, '0')}-${version}`, pieces)
  await store.delete([...notes, ...older.slice(KEPT_MANIFESTS - 1)])
}

async function readCatalog(metadata: Metadata, compress: Compress) {
  let { version } = await metadata.refresh()
  for (let attempt = 1; ; attempt++) {
    const pieces: Buffer[] = []
    for (const table of CATALOG_TABLES) pieces.push(...(await readTable(metadata, table, compress)))
    const after = await metadata.refresh()
    if (after.version === version || attempt === CATALOG_ATTEMPTS) return { version, pieces }
    version = after.version
  }
}

async function readTable(metadata: Metadata, table: SnapshotTable, compress: Compress): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  let after: SnapshotRow | null = null
  for (;;) {
    const rows: SnapshotRow[] = await metadata.snapshotRows(table, after, ROWS_TOGETHER)
    if (rows.length > 0) pieces.push(await line({ table, columns: snapshotColumns(table), rows }, compress))
    if (rows.length < ROWS_TOGETHER) return pieces
    after = snapshotKey(table, rows.at(-1)!)
  }
}

/** Reads a manifest. Rejects with a StorageError if it cannot be read or is incomplete. */
export async function readManifest(store: ObjectStore, key: string, signal?: AbortSignal): Promise<Manifest> {
  const body = await store.get(key, undefined, signal)
  try {
    const lines = (await decompress(body)).toString().trimEnd().split('\n')
    const [head, ...others] = lines.map(text => fieldsOf(JSON.parse(text)))
    if (head?.['version'] !== VERSION) throw new Error(`its version is ${String(head?.['version'])}`)
    if (others.pop()?.['end'] !== true) throw new Error('it is truncated')
    const rows = new Map<SnapshotTable, SnapshotRow[]>()
    for (const { table: name, columns, rows: some } of others) {
      const table = snapshotTableNames.find(known => known === name)
      if (table === undefined) throw new Error(`unknown table ${String(name)}`)
      // Written by writeManifest, with the columns of that time.
      const inOrder = reordered(table, columns as string[], some as SnapshotRow[])
      rows.set(table, [...(rows.get(table) ?? []), ...inOrder])
    }
    return { key, clusterId: String(head['cluster']), writtenAt: Number(head['at']), rows }
  } catch (cause) {
    throw new StorageError('failed', `the manifest ${key} cannot be read`, { cause })
  }
}

/** Converts rows to the current columns; columns that did not exist yet are 0. */
function reordered(table: SnapshotTable, columns: readonly string[], rows: readonly SnapshotRow[]): SnapshotRow[] {
  const places = snapshotColumns(table).map(name => columns.indexOf(name))
  return rows.map(row => places.map(place => (place < 0 ? 0 : row[place]!)))
}

/** Concatenated gzip members form one valid file. */
function line(value: unknown, compress: Compress): Promise<Buffer> {
  return compress(`${JSON.stringify(value)}\n`)
}

export async function allKeys(store: ObjectStore, folder: string, signal?: AbortSignal): Promise<string[]> {
  const keys: string[] = []
  for (;;) {
    const after = keys.at(-1) ?? ''
    const some = await store.list({ prefix: `${folder}/`, after, limit: KEYS_TOGETHER }, signal)
    if (some.length === 0) return keys
    keys.push(...some.map(({ key }) => key))
  }
}
