import type { Clock } from '../../base/index.ts'
import { batchCrcFits, batchExtent, batchHeaderBytes } from '../../kafka/index.ts'
import {
  type Extent,
  type Metadata,
  type PartitionBounds,
  type PartitionId,
  snapshotColumns,
  snapshotKey,
  type SnapshotRow,
  type SnapshotTable,
} from '../../metadata/index.ts'
import { type ObjectStore, StorageError } from '../../storage/index.ts'
import { OBJECTS_FOLDER } from './appender.ts'

/** Bytes of extents per metadata query. */
const LOOK_UP_BYTES = 64 * 1024 * 1024
/** Number of extents that are read concurrently. */
const READS_TOGETHER = 16
const KEYS_TOGETHER = 500
const PARTITIONS_TOGETHER = 200
/** How long after its timeout a transaction may take to be aborted, in milliseconds. */
const ABORT_GRACE_MS = 60_000

/** `damage`: records are lost, or consumers cannot get past them. `note`: resolves itself once agents run. */
export interface BucketFinding {
  readonly severity: 'damage' | 'note'
  /** The object's key, or topic and partition. */
  readonly where: string
  readonly message: string
}

/** What was checked; sizes are in bytes. */
export interface BucketFigures {
  partitions: number
  extents: number
  offsets: number
  bytesRead: number
  objects: number
}

export interface BucketCheckOptions {
  readonly metadata: Metadata
  readonly store: ObjectStore
  readonly clock: Clock
  /** Called for each finding as soon as it is certain. */
  readonly onFinding: (finding: BucketFinding) => void
  readonly signal: AbortSignal
}

/**
 * Compares a bucket with its metadata: every extent is in an object, every batch matches its checksum, the offsets of
 * every partition have no gap, open transactions have an owner who will end them, and every object is known. Only
 * reads, and works while the cluster runs: a discrepancy is looked up again before it is reported. Rejects with a
 * StorageError or a MetadataError when the bucket or the metadata cannot be reached.
 */
export async function checkBucket(options: BucketCheckOptions): Promise<BucketFigures> {
  const { metadata, onFinding } = options
  const figures: BucketFigures = { partitions: 0, extents: 0, offsets: 0, bytesRead: 0, objects: 0 }
  const catalog = await metadata.refresh()
  // Listed first, so that an object listed here and still unknown at the end was not just waiting for its commit.
  const unknown = await unknownObjects(options, figures)
  for (const topic of catalog.byName.values()) {
    for (const [index, partition] of topic.partitions.entries()) {
      await checkOffsets(options, partition, `${topic.name}/${index}`, figures)
      figures.partitions++
    }
    await checkTransactions(options, topic.name, topic.partitions)
  }
  await checkDeleted(options, figures)
  await checkOverdue(options)
  const known = await knownOf(metadata, unknown)
  for (const key of unknown.filter(key => !known.has(key))) {
    onFinding({
      severity: 'note',
      where: key,
      message:
        'the metadata does not contain this object; agents with the role jobs delete it once its upload epoch is closed',
    })
  }
  return figures
}

/** The keys of the objects that the metadata does not know, or not yet. */
async function unknownObjects(
  { metadata, store, signal }: BucketCheckOptions,
  figures: BucketFigures,
): Promise<string[]> {
  const unknown: string[] = []
  let after = ''
  for (;;) {
    const objects = await store.list({ prefix: `${OBJECTS_FOLDER}/`, after, limit: KEYS_TOGETHER }, signal)
    if (objects.length === 0) return unknown
    figures.objects += objects.length
    const keys = objects.map(({ key }) => key)
    const known = await knownOf(metadata, keys)
    unknown.push(...keys.filter(key => !known.has(key)))
    after = keys.at(-1)!
  }
}

async function knownOf(metadata: Metadata, keys: readonly string[]): Promise<Set<string>> {
  const known = new Set<string>()
  for (let start = 0; start < keys.length; start += KEYS_TOGETHER) {
    const some = keys.slice(start, start + KEYS_TOGETHER)
    const answers = await metadata.knownObjects(some)
    for (const [index, key] of some.entries()) if (answers[index]) known.add(key)
  }
  return known
}

/** Checks a partition from its start to its high watermark. */
async function checkOffsets(
  options: BucketCheckOptions,
  partition: PartitionId,
  where: string,
  figures: BucketFigures,
): Promise<void> {
  const { onFinding, signal } = options
  let next: number | undefined
  for (;;) {
    signal.throwIfAborted()
    const answer = await lookUp(options.metadata, partition, next)
    // Deleted in the meantime.
    if (!answer) return
    const { extents, bounds, from } = answer
    if (from >= bounds.highWatermark) return
    if (extents.length === 0) {
      onFinding(gap(where, from, bounds.highWatermark))
      return
    }
    let expected = from
    for (let start = 0; start < extents.length; start += READS_TOGETHER) {
      const some = extents.slice(start, start + READS_TOGETHER)
      const problems = await Promise.all(some.map(extent => problemOf(options, extent, isCurrent)))
      expected = note(some, problems, where, expected, onFinding, figures)
    }
    figures.offsets += expected - from
    next = expected
  }
}

/** Reports and counts the findings in extents that follow an offset; returns the offset after them. */
function note(
  extents: readonly Extent[],
  problems: readonly (string | undefined)[],
  where: string,
  from: number,
  onFinding: BucketCheckOptions['onFinding'],
  figures: BucketFigures,
): number {
  let expected = from
  for (const [index, extent] of extents.entries()) {
    if (extent.baseOffset > expected) onFinding(gap(where, expected, extent.baseOffset))
    const message = problems[index]
    if (message !== undefined) onFinding({ severity: 'damage', where: extent.key, message: `${where}: ${message}` })
    expected = extent.lastOffset + 1
    figures.extents++
    figures.bytesRead += extent.sizeBytes
  }
  return expected
}

/** Checks the records of deleted topics that can be restored, which no other query finds. */
async function checkDeleted(options: BucketCheckOptions, figures: BucketFigures): Promise<void> {
  const { metadata, onFinding, signal } = options
  const names = new Map((await metadata.deletedTopics()).map(({ id, name }) => [id, name]))
  if (names.size === 0) return
  for await (const row of snapshotOf(metadata, 'deleted_partitions')) {
    signal.throwIfAborted()
    const where = `${names.get(String(row['topic'])) ?? String(row['topic'])}/${Number(row['number'])} (deleted)`
    const end = Number(row['next_offset'])
    const isThere = (extent: Extent) => isKept(metadata, extent)
    let expected = Number(row['log_start'])
    let extents: Extent[]
    do {
      extents = await deletedExtents(metadata, Number(row['id']), expected)
      const problems = await Promise.all(extents.map(extent => problemOf(options, extent, isThere)))
      expected = note(extents, problems, where, expected, onFinding, figures)
    } while (extents.length > 0)
    if (expected < end && (await isDeleted(metadata, Number(row['id'])))) onFinding(gap(where, expected, end))
    figures.offsets += expected - Number(row['log_start'])
    figures.partitions++
  }
}

type SnapshotFields = Readonly<Record<string, SnapshotRow[number]>>

async function* snapshotOf(metadata: Metadata, table: SnapshotTable): AsyncGenerator<SnapshotFields> {
  let after: SnapshotRow | null = null
  for (;;) {
    const rows: SnapshotRow[] = await metadata.snapshotRows(table, after, KEYS_TOGETHER)
    for (const row of rows) yield fieldsOf(table, row)
    if (rows.length < KEYS_TOGETHER) return
    after = snapshotKey(table, rows.at(-1)!)
  }
}

/** Some extents of a partition from an offset on, whether or not its topic is deleted. */
async function deletedExtents(metadata: Metadata, partition: PartitionId, from: number): Promise<Extent[]> {
  const rows = await metadata.snapshotRows('extents', [partition, from - 1], READS_TOGETHER)
  const own = rows.map(row => fieldsOf('extents', row)).filter(row => row['partition'] === partition)
  const keys = await Promise.all(own.map(({ object }) => metadata.snapshotRows('objects', [Number(object) - 1], 1)))
  return own.map((row, index) => ({
    partition,
    baseOffset: Number(row['base_offset']),
    lastOffset: Number(row['last_offset']),
    key: String(keys[index]![0] && fieldsOf('objects', keys[index]![0])['key']),
    position: Number(row['position']),
    sizeBytes: Number(row['size_bytes']),
    maxTimestamp: Number(row['max_timestamp']),
    appendTimestamp: Number(row['append_timestamp']),
  }))
}

async function isKept(metadata: Metadata, { partition, baseOffset, key, position }: Extent): Promise<boolean> {
  const [current] = await deletedExtents(metadata, partition, baseOffset)
  return current?.key === key && current.position === position
}

async function isDeleted(metadata: Metadata, partition: PartitionId): Promise<boolean> {
  const [row] = await metadata.snapshotRows('deleted_partitions', [partition - 1], 1)
  return row !== undefined && fieldsOf('deleted_partitions', row)['id'] === partition
}

function fieldsOf(table: SnapshotTable, row: SnapshotRow): SnapshotFields {
  return Object.fromEntries(snapshotColumns(table).map((column, at) => [column, row[at]!]))
}

/** The extents from an offset on, or from the log's start if that is later or no offset is given. */
async function lookUp(
  metadata: Metadata,
  partition: PartitionId,
  offset: number | undefined,
): Promise<
  { readonly extents: readonly Extent[]; readonly bounds: PartitionBounds; readonly from: number } | undefined
> {
  const [bounds] = await metadata.bounds([partition])
  if (!bounds) return undefined
  const from = Math.max(offset ?? 0, bounds.logStartOffset)
  const query = { partition, offset: from, maxBytes: LOOK_UP_BYTES, withAborted: false }
  const [answer] = await metadata.findExtents([query])
  // Retention removed the requested offset in the meantime.
  if (answer && answer.logStartOffset > from) return lookUp(metadata, partition, answer.logStartOffset)
  return answer ? { extents: answer.extents, bounds: answer, from } : undefined
}

function gap(where: string, from: number, to: number): BucketFinding {
  return { severity: 'damage', where, message: `no object contains the offsets ${from} to ${to - 1}` }
}

/** Describes the damage of an extent; undefined if it is intact or no longer current. */
async function problemOf(
  { metadata, store, signal }: BucketCheckOptions,
  extent: Extent,
  stillExists: (extent: Extent, metadata: Metadata) => Promise<boolean>,
): Promise<string | undefined> {
  const { key, position, sizeBytes } = extent
  let problem: string | undefined
  try {
    problem = problemIn(await store.get(key, { position, length: sizeBytes }, signal), extent)
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    if (error.code === 'not_found') problem = `the object with ${offsetsOf(extent)} is missing`
    else if (error.code === 'out_of_range') problem = `the object ends before ${offsetsOf(extent)}`
    else throw error
  }
  if (problem === undefined) return undefined
  // Merging and retention may have removed the extent since it was looked up.
  return (await stillExists(extent, metadata)) ? problem : undefined
}

async function isCurrent(
  { key, position, partition, baseOffset, lastOffset }: Extent,
  metadata: Metadata,
): Promise<boolean> {
  const [answer] = await metadata.findExtents([{ partition, offset: baseOffset, maxBytes: 1, withAborted: false }])
  const current = answer?.extents[0]
  return current?.key === key && current.position === position && answer!.logStartOffset <= lastOffset
}

function problemIn(bytes: Buffer, extent: Extent): string | undefined {
  let start = 0
  let offset = extent.baseOffset
  while (start < bytes.length) {
    const batch = batchExtent(bytes, start)
    const isBatch =
      batch !== undefined &&
      batch.offsets > 0 &&
      batch.sizeBytes >= batchHeaderBytes &&
      start + batch.sizeBytes <= bytes.length
    if (!isBatch) return `there is no record batch at byte ${extent.position + start}, where offset ${offset} should be`
    if (!batchCrcFits(bytes.subarray(start, start + batch.sizeBytes)))
      return `the batch of offset ${offset} at byte ${extent.position + start} has a wrong checksum`
    start += batch.sizeBytes
    offset += batch.offsets
  }
  if (offset === extent.lastOffset + 1) return undefined
  return `it contains the offsets ${extent.baseOffset} to ${offset - 1} instead of ${offsetsOf(extent)}`
}

function offsetsOf({ baseOffset, lastOffset }: Extent): string {
  return `the offsets ${baseOffset} to ${lastOffset}`
}

/** Reports transactions that no transactional id will end: read-committed consumers would wait there indefinitely. */
async function checkTransactions(
  { metadata, onFinding, signal }: BucketCheckOptions,
  topic: string,
  partitions: readonly PartitionId[],
): Promise<void> {
  for (let start = 0; start < partitions.length; start += PARTITIONS_TOGETHER) {
    signal.throwIfAborted()
    const some = partitions.slice(start, start + PARTITIONS_TOGETHER)
    const suspects = await ownerless(metadata, some)
    if (suspects.size === 0) continue
    // A transaction may have ended between the two queries.
    const still = await ownerless(metadata, some)
    for (const [name, { partition, producerId, offset }] of still) {
      if (!suspects.has(name)) continue
      const index = partitions.indexOf(partition)
      onFinding({
        severity: 'damage',
        where: `${topic}/${index}`,
        message: `producer ${producerId} has had a transaction open since offset ${offset} that belongs to no transactional id; end it with kafka-transactions.sh abort`,
      })
    }
  }
}

interface OpenRecords {
  readonly partition: PartitionId
  readonly producerId: number
  readonly offset: number
}

async function ownerless(metadata: Metadata, partitions: readonly PartitionId[]): Promise<Map<string, OpenRecords>> {
  const producers = await metadata.activeProducers(partitions)
  const open = partitions.flatMap((partition, index) =>
    producers[index]!.flatMap(({ producerId, transactionStart: offset }) =>
      offset === null ? [] : [{ partition, producerId, offset }],
    ),
  )
  if (open.length === 0) return new Map()
  const transactions = (await metadata.listTransactions()).filter(({ startedAt }) => startedAt !== null)
  const ids = new Map(transactions.map(({ producerId, id }) => [producerId, id]))
  const owners = [...new Set(open.flatMap(({ producerId }) => ids.get(producerId) ?? []))]
  const described = new Map((await metadata.findTransactions(owners)).map((found, index) => [owners[index]!, found]))
  const isOwned = ({ producerId, partition }: OpenRecords) =>
    described.get(ids.get(producerId) ?? '')?.partitions.includes(partition) === true
  return new Map(
    open.filter(one => !isOwned(one)).map(one => [`${one.partition}/${one.producerId}/${one.offset}`, one]),
  )
}

/** Reports transactions that should have been aborted long ago. */
async function checkOverdue({ metadata, clock, onFinding }: BucketCheckOptions): Promise<void> {
  for (const { id, startedAt, timeoutMs } of await metadata.listTransactions()) {
    if (startedAt === null || startedAt + timeoutMs + ABORT_GRACE_MS > clock.now()) continue
    onFinding({
      severity: 'note',
      where: id,
      message: `the transaction has been open since ${new Date(startedAt).toISOString()}, longer than its timeout of ${timeoutMs} ms; it will be aborted as soon as an agent runs`,
    })
  }
}
