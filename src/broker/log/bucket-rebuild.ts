// Rebuilds metadata from a bucket alone: from the latest manifest, and what was
// put after it (docs/adr/0026-rebuild.md).
import { batchExtent, type BatchHeader, batchHeaderBytes, readBatchHeader, readRecords } from '../../kafka/index.ts'
import {
  type Extent,
  type PartitionId,
  snapshotColumns,
  type SnapshotRow,
  type SnapshotTable,
  type SnapshotValue,
} from '../../metadata/index.ts'
import { type ObjectStore, StorageError, type StoredObject } from '../../storage/index.ts'
import { OBJECTS_FOLDER } from './appender.ts'
import type { BucketFinding } from './bucket-check.ts'
import { NOTES_FOLDER, readNote } from './commit-notes.ts'
import { chainExtents } from './extent-chain.ts'
import { allKeys, type Manifest, manifestKeys, readManifest } from './manifest.ts'
import { type NamedPartition, type ObjectIndex, readObjectIndex } from './object-index.ts'
import { PartitionReplay, type ReplayedProducer } from './partition-replay.ts'

const READS_TOGETHER = 16
const KEYS_TOGETHER = 1000
/** By how much the clocks of agents may differ, in milliseconds. */
const CLOCK_SKEW_MS = 60_000
/** Skips producer ids that agents may have reserved but not yet used. */
const RESERVED_PRODUCER_IDS = 1_000_000
const DAY_MS = 86_400_000

export interface RebuildOptions {
  readonly store: ObjectStore
  /** The cluster id to use if the bucket has no manifest. */
  readonly clusterId: string
  /** Milliseconds since 1970. */
  readonly now: number
  readonly onFinding: (finding: BucketFinding) => void
  readonly signal: AbortSignal
}

/** An open transaction of a producer in a partition, to be aborted once the metadata is usable. */
export interface OpenTransaction {
  readonly partition: PartitionId
  readonly producerId: number
  readonly epoch: number
}

export interface Rebuilt {
  readonly rows: ReadonlyMap<SnapshotTable, readonly SnapshotRow[]>
  readonly open: readonly OpenTransaction[]
  readonly figures: RebuildFigures
}

export interface RebuildFigures {
  /** When the manifest was written, in milliseconds since 1970; null without a manifest. */
  readonly manifestAt: number | null
  readonly topics: number
  readonly partitions: number
  readonly offsets: number
  readonly objects: number
  /** Offsets of batches that no commit note covers, assigned in the order of writing. */
  readonly guessedOffsets: number
  readonly groups: number
}

/** Reconstructs the metadata of a bucket. Only reads. Rejects with a StorageError. */
export async function rebuildMetadata(options: RebuildOptions): Promise<Rebuilt> {
  const { store, signal } = options
  const manifest = await latestManifest(options)
  const objects = await allObjects(store, signal)
  const rebuild = new Rebuild(options, manifest, objects)
  await rebuild.readNotes()
  await rebuild.readIndexes()
  await rebuild.replayAll()
  return rebuild.result()
}

async function latestManifest({ store, onFinding, signal }: RebuildOptions): Promise<Manifest | undefined> {
  const keys = await manifestKeys(store, signal)
  for (const key of keys) {
    try {
      return await readManifest(store, key, signal)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      onFinding({ severity: 'note', where: key, message: `${error.message}; the previous one is used instead` })
    }
  }
  onFinding({
    severity: 'note',
    where: store.url,
    message: 'there is no manifest: topic settings, group offsets and transactional ids are unknown',
  })
  return undefined
}

async function allObjects(store: ObjectStore, signal: AbortSignal): Promise<Map<string, StoredObject>> {
  const objects = new Map<string, StoredObject>()
  let after = ''
  for (;;) {
    const some = await store.list({ prefix: `${OBJECTS_FOLDER}/`, after, limit: KEYS_TOGETHER }, signal)
    if (some.length === 0) return objects
    for (const object of some) objects.set(object.key, object)
    after = some.at(-1)!.key
  }
}

type Fields = Readonly<Record<string, SnapshotValue>>

interface Place {
  readonly name: string
  readonly isDeleted: boolean
  readonly row: Fields
}

/** Batches whose offsets no note records. */
interface Pending {
  readonly key: string
  readonly position: number
  readonly sizeBytes: number
  readonly writtenAt: number
}

class Rebuild {
  readonly #options: RebuildOptions
  readonly #manifest: Manifest | undefined
  readonly #objects: ReadonlyMap<string, StoredObject>
  readonly #known = new Map<SnapshotTable, Fields[]>()
  readonly #partitions = new Map<PartitionId, Place>()
  readonly #topics = new Map<string, Fields>()
  /** All extents that may hold offsets, by partition. */
  readonly #candidates = new Map<PartitionId, Map<string, Extent>>()
  readonly #pending = new Map<PartitionId, Pending[]>()
  /** Objects whose commit is known from the manifest or a note. */
  readonly #confirmed = new Set<string>()
  readonly #unexplained = new Set<string>()
  readonly #extents: Extent[] = []
  readonly #rows = new Map<SnapshotTable, Fields[]>()
  readonly #open: OpenTransaction[] = []
  #offsets = 0
  #guessed = 0

  constructor(options: RebuildOptions, manifest: Manifest | undefined, objects: ReadonlyMap<string, StoredObject>) {
    this.#options = options
    this.#manifest = manifest
    this.#objects = objects
    for (const [table, rows] of manifest?.rows ?? [])
      this.#known.set(
        table,
        rows.map(row => fieldsOf(table, row)),
      )
    const deleted = new Map(this.#of('deleted_topics').map(row => [String(row['id']), row]))
    for (const row of this.#of('topics')) this.#topics.set(String(row['id']), row)
    for (const [table, isDeleted] of [
      ['partitions', false],
      ['deleted_partitions', true],
    ] as const) {
      for (const row of this.#of(table)) {
        const topic = (isDeleted ? deleted : this.#topics).get(String(row['topic']))
        // The topic was created while the manifest was read: the objects describe it.
        if (topic === undefined) continue
        this.#partitions.set(Number(row['id']), { name: String(topic['name']), isDeleted, row })
      }
    }
    const keys = new Map(this.#of('objects').map(row => [Number(row['id']), String(row['key'])]))
    for (const key of keys.values()) this.#confirmed.add(key)
    for (const row of this.#of('extents')) {
      const key = keys.get(Number(row['object']))
      if (key !== undefined) this.#add(extentOf(row, key))
    }
  }

  async readNotes(): Promise<void> {
    const { store, signal, onFinding } = this.#options
    for (const key of await allKeys(store, NOTES_FOLDER, signal)) {
      try {
        for (const extent of readNote(await store.get(key, undefined, signal))) {
          this.#confirmed.add(extent.key)
          this.#add(extent)
        }
      } catch (error) {
        if (error instanceof StorageError && error.code !== 'not_found') throw error
        onFinding({ severity: 'note', where: key, message: 'this commit note cannot be read and is skipped' })
      }
    }
  }

  /**
   * Reads the self-descriptions of objects that the manifest does not know, or that have a partition it does not know.
   */
  async readIndexes(): Promise<void> {
    const { store, signal, onFinding } = this.#options
    const listed = new Set(this.#of('objects').map(row => String(row['key'])))
    for (const [partition, extents] of this.#candidates) {
      if (this.#partitions.has(partition)) continue
      for (const { key } of extents.values()) listed.delete(key)
    }
    const unknown = [...this.#objects.values()].filter(({ key }) => !listed.has(key))
    const latest = new Map<string, number>()
    for (let start = 0; start < unknown.length; start += READS_TOGETHER) {
      const some = unknown.slice(start, start + READS_TOGETHER)
      const indexes = await Promise.all(some.map(object => readObjectIndex(store, object, signal)))
      for (const [at, { key }] of some.entries()) {
        const index = indexes[at]
        if (index === undefined) {
          this.#unexplained.add(key)
          const isNoted = this.#confirmed.has(key)
          if (isNoted) continue
          const message =
            'the object has no index and is not in the manifest: it was never committed, or was written by an earlier version. Its records are skipped, and it is kept'
          onFinding({ severity: 'note', where: key, message })
          continue
        }
        // Within an epoch keys are in the order of writing, whatever the clock did.
        const epoch = key.slice(0, key.lastIndexOf('/'))
        const writtenAt = Math.max(index.writtenAt, latest.get(epoch) ?? 0)
        latest.set(epoch, writtenAt)
        this.#learn(key, { ...index, writtenAt })
      }
    }
    for (const pending of this.#pending.values()) pending.sort((a, b) => a.writtenAt - b.writtenAt)
  }

  async replayAll(): Promise<void> {
    for (const [partition, place] of this.#partitions) {
      this.#options.signal.throwIfAborted()
      await this.#replay(partition, place)
    }
  }

  result(): Rebuilt {
    const { now } = this.#options
    this.#writeObjects()
    this.#writeTopics()
    this.#writeTransactions()
    const groupOffsets = this.#of('group_offsets').filter(row => this.#hasPartition(row))
    this.#rows.set('group_offsets', groupOffsets)
    for (const table of ['cleanings', 'settings', 'acls'] as const) this.#rows.set(table, [...this.#of(table)])
    const epochs = Array.from(this.#objects.keys(), key => Number(key.split('/')[1]))
    // Higher than all numbers in use, so that no key is assigned twice.
    const last = Math.max(0, ...epochs, ...this.#of('epochs').map(({ id }) => Number(id))) + 1
    const closed = this.#of('epochs').map((row): Fields => ({ ...row, open: 0 }))
    // Housekeeping deletes unknown objects of closed epochs; omitting the epochs of unexplained objects keeps these.
    const kept = new Set(Array.from(this.#unexplained, key => Number(key.split('/')[1])))
    this.#rows.set('epochs', [
      ...closed.filter(({ id }) => !kept.has(Number(id))),
      { id: last, open: 0, renewed_at: now },
    ])
    this.#writeFacts()
    const rows = Array.from(this.#rows, ([table, some]): [SnapshotTable, SnapshotRow[]] => [
      table,
      some.map(fields => snapshotColumns(table).map(column => fields[column]!)),
    ])
    return {
      rows: new Map(rows),
      open: this.#open,
      figures: {
        manifestAt: this.#manifest?.writtenAt ?? null,
        topics: this.#rows.get('topics')!.length,
        partitions: this.#partitions.size,
        offsets: this.#offsets,
        objects: this.#objects.size,
        guessedOffsets: this.#guessed,
        groups: new Set(groupOffsets.map(row => row['group_id'])).size,
      },
    }
  }

  #of(table: SnapshotTable): readonly Fields[] {
    return this.#known.get(table) ?? []
  }

  #add(extent: Extent): void {
    if (!this.#objects.has(extent.key)) return
    const ofPartition = this.#candidates.get(extent.partition) ?? new Map<string, Extent>()
    ofPartition.set(`${extent.key} ${extent.position}`, extent)
    this.#candidates.set(extent.partition, ofPartition)
  }

  #learn(key: string, { writtenAt, partitions, runs }: ObjectIndex): void {
    // A partition that the manifest does not know was deleted before the manifest, unless the object is newer.
    const isNew = writtenAt > (this.#manifest?.writtenAt ?? 0) - CLOCK_SKEW_MS
    for (const named of partitions) {
      if (isNew && !this.#partitions.has(named.partition)) this.#discover(named, writtenAt)
    }
    for (const { partition, position, sizeBytes, offsets } of runs) {
      if (!this.#partitions.has(partition)) continue
      if (offsets !== null) this.#add({ key, partition, position, sizeBytes, ...offsets })
      else if (!this.#confirmed.has(key)) {
        const pending = this.#pending.get(partition) ?? []
        pending.push({ key, position, sizeBytes, writtenAt })
        this.#pending.set(partition, pending)
      }
    }
  }

  /** Adds a topic or partition that was created after the manifest. */
  #discover({ partition, topic, topicName, number }: NamedPartition, writtenAt: number): void {
    if (!this.#topics.has(topic)) {
      this.#topics.set(topic, { id: topic, name: topicName, configs: '{}', created_at: writtenAt })
      const message = `the manifest does not contain this topic: it gets the default settings of the broker`
      this.#options.onFinding({ severity: 'note', where: topicName, message })
    }
    const row = {
      ...{ id: partition, topic, number, log_start: 0, next_offset: 0, first_unstable: null, size_bytes: 0 },
      last_append_at: 0,
    }
    this.#partitions.set(partition, { name: topicName, isDeleted: false, row })
  }

  async #replay(partition: PartitionId, place: Place): Promise<void> {
    const { row, name } = place
    const where = `${name}/${Number(row['number'])}`
    const candidates = [...(this.#candidates.get(partition)?.values() ?? [])]
    const links = chainExtents(candidates, Number(row['log_start']))
    const first = this.#extents.length
    let start = Number(row['log_start'])
    const known = this.#manifest === undefined ? start : Number(row['next_offset'])
    const replay = new PartitionReplay(this.#producersOf(partition), this.#abortedOf(partition))
    const pending = [...(this.#pending.get(partition) ?? [])]
    let next = start
    for (const [index, link] of links.entries()) {
      if (link.kind === 'extent') {
        this.#keep(link.extent)
        if (link.extent.lastOffset >= known) await this.#scan(link.extent, replay)
        next = link.extent.lastOffset + 1
        continue
      }
      next = await this.#place(partition, pending, replay, next, link.to)
      if (next < link.to && index === 0) {
        // Retention has removed the beginning since the manifest was written.
        start = link.to
        this.#finding('note', where, `it starts at offset ${start}; earlier records are not in the bucket`)
      } else if (next < link.to) {
        this.#finding('damage', where, `no object contains the offsets ${next} to ${link.to - 1}`)
      }
      next = link.to
    }
    next = await this.#place(partition, pending, replay, next, Infinity)
    if (next < known) {
      this.#finding('damage', where, `no object contains the offsets ${next} to ${known - 1}`)
      next = known
    }
    const own = this.#extents.slice(first)
    const sizeBytes = own.reduce((sum, extent) => sum + extent.sizeBytes, 0)
    const lastAppendAt = Math.max(Number(row['last_append_at']), ...own.map(extent => extent.appendTimestamp))
    this.#offsets += next - start
    this.#push(place.isDeleted ? 'deleted_partitions' : 'partitions', {
      ...row,
      log_start: Math.min(start, next),
      next_offset: next,
      first_unstable: replay.firstUnstable,
      size_bytes: sizeBytes,
      last_append_at: lastAppendAt,
    })
    this.#writeProducers(partition, place, replay)
  }

  #finding(severity: BucketFinding['severity'], where: string, message: string): void {
    this.#options.onFinding({ severity, where, message })
  }

  #keep(extent: Extent): void {
    this.#extents.push(extent)
  }

  async #scan(extent: Extent, replay: PartitionReplay): Promise<void> {
    let offset = extent.baseOffset
    for (const { header, batch } of await this.#batches(extent)) {
      replay.add(header, offset, isAbort(header, batch))
      offset += header.lastOffsetDelta + 1
    }
  }

  /**
   * Assigns the next offsets, up to `end`, to batches without recorded offsets, in the order of writing; returns the
   * offset after them. A batch that does not fit before `end` is left for the next gap.
   */
  async #place(
    partition: PartitionId,
    pending: Pending[],
    replay: PartitionReplay,
    from: number,
    end: number,
  ): Promise<number> {
    let next = from
    while (pending.length > 0 && next < end) {
      const run = pending[0]!
      const batches = await this.#batches(run)
      const offsets = batches.reduce((sum, { header }) => sum + header.lastOffsetDelta + 1, 0)
      if (next + offsets > end) break
      pending.shift()
      next = this.#placeRun(partition, run, batches, replay, next)
    }
    this.#guessed += next - from
    return next
  }

  #placeRun(
    partition: PartitionId,
    { key, position, writtenAt }: Pending,
    batches: readonly FoundBatch[],
    replay: PartitionReplay,
    from: number,
  ): number {
    const appendTime = this.#hasAppendTime(partition)
    let next = from
    let at = position
    for (const { header, batch } of batches) {
      const { sizeBytes, maxTimestamp } = header
      if (!replay.isRepeated(header)) {
        const lastOffset = next + header.lastOffsetDelta
        const appendTimestamp = appendTime && !header.control ? writtenAt : -1
        const timestamp = appendTimestamp >= 0 ? appendTimestamp : maxTimestamp < 0 ? writtenAt : maxTimestamp
        const extent = { key, partition, baseOffset: next, lastOffset, position: at, sizeBytes, appendTimestamp }
        this.#keep({ ...extent, maxTimestamp: timestamp })
        replay.add(header, next, isAbort(header, batch))
        next = lastOffset + 1
      }
      at += sizeBytes
    }
    return next
  }

  async #batches({ key, position, sizeBytes }: Pick<Pending, 'key' | 'position' | 'sizeBytes'>): Promise<FoundBatch[]> {
    const { store, signal } = this.#options
    const bytes = await store.get(key, { position, length: sizeBytes }, signal)
    const batches: FoundBatch[] = []
    for (let start = 0; start < bytes.length; ) {
      const extent = batchExtent(bytes, start)
      if (extent === undefined || extent.sizeBytes < batchHeaderBytes || start + extent.sizeBytes > bytes.length) {
        throw new StorageError('failed', `the object ${key} contains no record batch at byte ${position + start}`)
      }
      const batch = bytes.subarray(start, start + extent.sizeBytes)
      batches.push({ header: readBatchHeader(batch)!, batch })
      start += extent.sizeBytes
    }
    return batches
  }

  #hasAppendTime(partition: PartitionId): boolean {
    const topic = this.#topics.get(String(this.#partitions.get(partition)!.row['topic']))
    return /"message\.timestamp\.type":"LogAppendTime"/.test(String(topic?.['configs']))
  }

  #producersOf(partition: PartitionId): Map<number, ReplayedProducer> {
    const rows = this.#byPartition('producers').get(partition) ?? []
    return new Map(
      rows.map(row => [
        Number(row['id']),
        {
          epoch: Number(row['epoch']),
          // Written by commits.
          batches: JSON.parse(String(row['batches'])) as ReplayedProducer['batches'],
          transactionStart: row['transaction_start'] === null ? null : Number(row['transaction_start']),
          updatedAt: Number(row['updated_at']),
        },
      ]),
    )
  }

  #abortedOf(partition: PartitionId) {
    return (this.#byPartition('aborted_transactions').get(partition) ?? []).map(row => ({
      producerId: Number(row['producer_id']),
      firstOffset: Number(row['first_offset']),
      lastOffset: Number(row['last_offset']),
    }))
  }

  readonly #grouped = new Map<SnapshotTable, Map<PartitionId, Fields[]>>()

  #byPartition(table: SnapshotTable): ReadonlyMap<PartitionId, readonly Fields[]> {
    const made = this.#grouped.get(table) ?? Map.groupBy(this.#of(table), row => Number(row['partition']))
    this.#grouped.set(table, made)
    return made
  }

  #writeProducers(partition: PartitionId, { isDeleted }: Place, replay: PartitionReplay): void {
    for (const [id, { epoch, batches, transactionStart, updatedAt }] of replay.producers) {
      const row = { partition, id, epoch, batches: JSON.stringify(batches), transaction_start: transactionStart }
      this.#push('producers', { ...row, updated_at: Math.max(updatedAt, 0) })
      if (transactionStart !== null && !isDeleted) this.#open.push({ partition, producerId: id, epoch })
    }
    for (const { producerId, firstOffset, lastOffset } of replay.aborted.values()) {
      const row = { partition, last_offset: lastOffset, producer_id: producerId, first_offset: firstOffset }
      this.#push('aborted_transactions', row)
    }
  }

  /** Writes all objects that can be explained; those without any extent left become garbage. */
  #writeObjects(): void {
    const ids = new Map<string, number>()
    const byKey = Map.groupBy(this.#extents, ({ key }) => key)
    for (const { key, sizeBytes } of this.#objects.values()) {
      const own = byKey.get(key) ?? []
      if (own.length === 0 && this.#unexplained.has(key)) continue
      const liveBytes = own.reduce((sum, extent) => sum + extent.sizeBytes, 0)
      ids.set(key, ids.size + 1)
      this.#push('objects', {
        id: ids.size,
        key,
        // Excludes the self-description, which is not garbage.
        size_bytes: own.length === 0 ? sizeBytes : Math.max(liveBytes, ...own.map(one => one.position + one.sizeBytes)),
        extents: own.length,
        dead_at: own.length === 0 ? this.#options.now : null,
        live_bytes: liveBytes,
      })
    }
    for (const extent of this.#extents) {
      this.#push('extents', {
        partition: extent.partition,
        last_offset: extent.lastOffset,
        base_offset: extent.baseOffset,
        object: ids.get(extent.key)!,
        position: extent.position,
        size_bytes: extent.sizeBytes,
        max_timestamp: extent.maxTimestamp,
        append_timestamp: extent.appendTimestamp,
      })
    }
  }

  /**
   * Of two topics with the same name the later one keeps it; the other becomes a deleted topic that can be restored.
   */
  #writeTopics(): void {
    const { now } = this.#options
    const byName = new Map<string, Fields>()
    const others: Fields[] = []
    for (const topic of this.#topics.values()) {
      const name = String(topic['name'])
      const namesake = byName.get(name)
      const isLater = namesake === undefined || Number(topic['created_at']) > Number(namesake['created_at'])
      const older = isLater ? namesake : topic
      if (isLater) byName.set(name, topic)
      if (older !== undefined) others.push(older)
    }
    this.#rows.set('topics', [...byName.values()])
    const setAside = others.map(topic => ({ ...topic, deleted_at: now, purge_at: now + DAY_MS }))
    this.#rows.set('deleted_topics', [...this.#of('deleted_topics'), ...setAside])
    const moved = new Set(others.map(({ id }) => id))
    const partitions = Map.groupBy(this.#rows.get('partitions') ?? [], row => moved.has(row['topic']!))
    this.#rows.set('partitions', partitions.get(false) ?? [])
    for (const row of partitions.get(true) ?? []) this.#push('deleted_partitions', row)
  }

  /** Ends all transactions, and raises each epoch to at least the one its producer has written with. */
  #writeTransactions(): void {
    const epochs = new Map<number, number>()
    for (const { id, epoch } of this.#rows.get('producers') ?? []) {
      epochs.set(Number(id), Math.max(Number(epoch), epochs.get(Number(id)) ?? 0))
    }
    const rows = this.#of('transactions').map(row => {
      const isOpen = row['phase'] === 'Ongoing' || row['phase'] === 'PrepareAbort'
      const epoch = Math.max(Number(row['epoch']), epochs.get(Number(row['producer_id'])) ?? 0)
      const ended = { started_at: null, abort_at: null, previous_producer_id: null, previous_epoch: null }
      return { ...row, epoch, ...ended, phase: isOpen ? 'CompleteAbort' : row['phase']! }
    })
    this.#rows.set('transactions', rows)
  }

  #writeFacts(): void {
    const known = new Map(this.#of('facts').map(row => [String(row['name']), row['value']!]))
    const used = (this.#rows.get('producers') ?? []).map(({ id }) => Number(id))
    const next = used.reduce((most, id) => Math.max(most, id + 1), Number(known.get('next_producer_id') ?? 0))
    const facts = {
      ...Object.fromEntries(known),
      cluster_id: this.#manifest?.clusterId ?? this.#options.clusterId,
      catalog_version: String(Number(known.get('catalog_version') ?? 0) + 1),
      next_producer_id: String(next + RESERVED_PRODUCER_IDS),
    }
    for (const [name, value] of Object.entries<SnapshotValue>(facts)) this.#push('facts', { name, value })
  }

  #hasPartition(row: Fields): boolean {
    return this.#topics.has(String(row['topic'])) || this.#of('deleted_topics').some(({ id }) => id === row['topic'])
  }

  #push(table: SnapshotTable, row: Fields): void {
    const rows = this.#rows.get(table) ?? []
    rows.push(row)
    this.#rows.set(table, rows)
  }
}

interface FoundBatch {
  readonly header: BatchHeader
  readonly batch: Buffer
}

/** Whether a control batch aborts a transaction; the key of its record has the version and the kind (0 is an abort). */
function isAbort(header: BatchHeader, batch: Buffer): boolean {
  if (!header.control) return false
  return readRecords(batch)[0]?.key?.readInt16BE(2) === 0
}

function fieldsOf(table: SnapshotTable, row: SnapshotRow): Fields {
  return Object.fromEntries(snapshotColumns(table).map((column, at) => [column, row[at]!]))
}

function extentOf(row: Fields, key: string): Extent {
  return {
    key,
    partition: Number(row['partition']),
    baseOffset: Number(row['base_offset']),
    lastOffset: Number(row['last_offset']),
    position: Number(row['position']),
    sizeBytes: Number(row['size_bytes']),
    maxTimestamp: Number(row['max_timestamp']),
    appendTimestamp: Number(row['append_timestamp']),
  }
}
