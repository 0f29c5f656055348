// Manifests: what the metadata know, written into the bucket now and then, so that they can be rebuilt
// (docs/adr/0026-rebuild.md). Nothing but `penstock bucket rebuild` reads them.
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
/** Which topics and partitions there are: an entry of one table is nothing without those of the others. */
const CATALOG_TABLES: readonly SnapshotTable[] = ['topics', 'partitions', 'deleted_topics', 'deleted_partitions']
/** How often they are read again because topics have changed meanwhile. */
const CATALOG_ATTEMPTS = 5
/** The latest, and the one before it in case that one cannot be read. */
const KEPT_MANIFESTS = 2

const compress = promisify(gzip)
const decompress = promisify(gunzip)

/** What a manifest says. */
export interface Manifest {
  readonly key: string
  readonly clusterId: string
  /** When its reading began, by the clock of the agent that wrote it, in milliseconds since 1970. */
  readonly writtenAt: number
  readonly rows: ReadonlyMap<SnapshotTable, readonly SnapshotRow[]>
}

/** The keys of the manifests in a bucket, the latest first. */
export async function manifestKeys(store: ObjectStore, signal?: AbortSignal): Promise<string[]> {
  return (await allKeys(store, MANIFESTS_FOLDER, signal)).toReversed()
}

/** Whether the latest manifest is older than this, or topics have changed since. */
export function isManifestDue(latest: string | undefined, version: number, now: number, intervalMs: number): boolean {
  if (latest === undefined) return true
  const [at, catalogVersion] = latest.slice(MANIFESTS_FOLDER.length + 1).split('-')
  return Number(at) + intervalMs <= now || Number(catalogVersion) !== version
}

/**
 * Writes a manifest, and deletes what it replaces: notes on commits that it contains, and older manifests. Rows are read
 * page by page, so that commits never wait for it: it mixes moments, which the rebuilding expects. Topics and their
 * partitions are of one moment, unless others keep changing them.
 */
export async function writeManifest(metadata: Metadata, store: ObjectStore, now: number): Promise<void> {
  // Listed first: what is noted by now was committed before, and is read below.
  const notes = await allKeys(store, NOTES_FOLDER)
  const { version, pieces: catalog } = await readCatalog(metadata)
  const pieces = [await line({ version: VERSION, cluster: metadata.clusterId, at: now }), ...catalog]
  for (const table of snapshotTableNames)
    if (!CATALOG_TABLES.includes(table)) pieces.push(...(await readTable(metadata, table)))
  pieces.push(await line({ end: true }))
  const older = await manifestKeys(store)
  await store.put(`${MANIFESTS_FOLDER}/${String(now).padStart(15, '0')}-${version}`, pieces)
  await store.delete([...notes, ...older.slice(KEPT_MANIFESTS - 1)])
}

async function readCatalog(metadata: Metadata) {
  let { version } = await metadata.refresh()
  for (let attempt = 1; ; attempt++) {
    const pieces: Buffer[] = []
    for (const table of CATALOG_TABLES) pieces.push(...(await readTable(metadata, table)))
    const after = await metadata.refresh()
    if (after.version === version || attempt === CATALOG_ATTEMPTS) return { version, pieces }
    version = after.version
  }
}

async function readTable(metadata: Metadata, table: SnapshotTable): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  let after: SnapshotRow | null = null
  for (;;) {
    const rows: SnapshotRow[] = await metadata.snapshotRows(table, after, ROWS_TOGETHER)
    if (rows.length > 0) pieces.push(await line({ table, columns: snapshotColumns(table), rows }))
    if (rows.length < ROWS_TOGETHER) return pieces
    after = snapshotKey(table, rows.at(-1)!)
  }
}

/** Reads a manifest. Rejects with a StorageError where it cannot be had or is not whole. */
export async function readManifest(store: ObjectStore, key: string, signal?: AbortSignal): Promise<Manifest> {
  const body = await store.get(key, undefined, signal)
  try {
    const lines = (await decompress(body)).toString().trimEnd().split('\n')
    const [head, ...others] = lines.map(text => fieldsOf(JSON.parse(text)))
    if (head?.['version'] !== VERSION) throw new Error(`its version is ${String(head?.['version'])}`)
    if (others.pop()?.['end'] !== true) throw new Error('its end is missing')
    const rows = new Map<SnapshotTable, SnapshotRow[]>()
    for (const { table: name, columns, rows: some } of others) {
      const table = snapshotTableNames.find(known => known === name)
      if (table === undefined) throw new Error(`there is no table ${String(name)}`)
      // Written by writeManifest, with the columns of its time.
      const inOrder = reordered(table, columns as string[], some as SnapshotRow[])
      rows.set(table, [...(rows.get(table) ?? []), ...inOrder])
    }
    return { key, clusterId: String(head['cluster']), writtenAt: Number(head['at']), rows }
  } catch (cause) {
    throw new StorageError('failed', `the manifest ${key} cannot be read`, { cause })
  }
}

/** The rows with the columns of today; those that did not exist yet are 0. */
function reordered(table: SnapshotTable, columns: readonly string[], rows: readonly SnapshotRow[]): SnapshotRow[] {
  const places = snapshotColumns(table).map(name => columns.indexOf(name))
  return rows.map(row => places.map(place => (place < 0 ? 0 : row[place]!)))
}

/** Members of gzip, one after the other, are one file. */
function line(value: unknown): Promise<Buffer> {
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
