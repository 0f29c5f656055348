// The self-description of an object, which follows its records: which partitions they belong to. The metadata does not
// need it, but can be rebuilt with it from a bucket alone (docs/adr/0026-rebuild.md).
import { fieldsOf } from '../../base/index.ts'
import type { Catalog, Extent, PartitionId } from '../../metadata/index.ts'
import { DIRECT_BYTES, DISK_BLOCK_BYTES, type ObjectStore, StorageError } from '../../storage/index.ts'

/** A partition with all its identifiers. */
export interface NamedPartition {
  readonly partition: PartitionId
  readonly topic: string
  readonly topicName: string
  readonly number: number
}

/** Record batches of one partition that are adjacent in an object. Sizes and positions are in bytes. */
export interface IndexedRun {
  readonly partition: PartitionId
  readonly position: number
  readonly sizeBytes: number
  /** Null if the commit was to assign the offsets. */
  readonly offsets: Pick<Extent, 'baseOffset' | 'lastOffset' | 'maxTimestamp' | 'appendTimestamp'> | null
}

export interface ObjectIndex {
  /** When the object was written, by the agent's clock, in milliseconds since 1970. */
  readonly writtenAt: number
  readonly partitions: readonly NamedPartition[]
  readonly runs: readonly IndexedRun[]
}

const VERSION = 1
const MAGIC = Buffer.from('PSix')
/** Size of the trailer: the length of the index, and the magic. */
const TRAILER_BYTES = 8
/** Bytes at the end of an object that are read first; most indexes fit. */
const TAIL_BYTES = 64 * 1024

/**
 * Encodes the bytes that follow the records of an object. Partitions that the
 * catalog does not know have just been deleted. A large object ends at the end of a disk block, so that a disk can write
 * it whole, without the page cache.
 */
export function writeObjectIndex(writtenAt: number, runs: readonly IndexedRun[], catalog: Catalog): Buffer {
  const places = placesOf(catalog)
  const ids = [...new Set(runs.map(({ partition }) => partition))].filter(partition => places.has(partition))
  const body = JSON.stringify({
    version: VERSION,
    at: writtenAt,
    partitions: ids.map(id => {
      const { topic, topicName, number } = places.get(id)!
      return [id, topic, topicName, number]
    }),
    runs: runs.flatMap(({ partition, position, sizeBytes, offsets }) => {
      if (!places.has(partition)) return []
      if (offsets === null) return [[partition, position, sizeBytes]]
      const { baseOffset, lastOffset, maxTimestamp, appendTimestamp } = offsets
      return [[partition, position, sizeBytes, baseOffset, lastOffset, maxTimestamp, appendTimestamp]]
    }),
  })
  const recordsBytes = runs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const needed = Buffer.byteLength(body) + TRAILER_BYTES
  const isLarge = recordsBytes >= DIRECT_BYTES
  // Space is insignificant in JSON.
  const padding = isLarge ? (DISK_BLOCK_BYTES - ((recordsBytes + needed) % DISK_BLOCK_BYTES)) % DISK_BLOCK_BYTES : 0
  const bytes = Buffer.alloc(needed + padding, ' ')
  bytes.write(body)
  bytes.writeUInt32BE(bytes.length - TRAILER_BYTES, bytes.length - TRAILER_BYTES)
  MAGIC.copy(bytes, bytes.length - MAGIC.length)
  return bytes
}

/**
 * Reads an object's self-description; undefined if it has none, as with former versions. Rejects with a StorageError.
 */
export async function readObjectIndex(
  store: ObjectStore,
  { key, sizeBytes }: { readonly key: string; readonly sizeBytes: number },
  signal?: AbortSignal,
): Promise<ObjectIndex | undefined> {
  const tail = await readTail(store, key, sizeBytes, Math.min(sizeBytes, TAIL_BYTES), signal)
  const end = tail.length - TRAILER_BYTES
  if (end < 0 || !tail.subarray(end + 4).equals(MAGIC)) return undefined
  const length = tail.readUInt32BE(end)
  if (length + TRAILER_BYTES > sizeBytes) return undefined
  const whole = length <= end ? tail : await readTail(store, key, sizeBytes, length + TRAILER_BYTES, signal)
  const from = whole.length - TRAILER_BYTES - length
  return parse(key, whole.subarray(from, from + length).toString())
}

function readTail(store: ObjectStore, key: string, sizeBytes: number, length: number, signal?: AbortSignal) {
  return store.get(key, { position: sizeBytes - length, length }, signal)
}

function parse(key: string, text: string): ObjectIndex {
  try {
    const { version, at, partitions, runs } = fieldsOf(JSON.parse(text))
    if (version !== VERSION) throw new Error(`its version is ${String(version)}`)
    // Written by writeObjectIndex, and the version was checked.
    const named = partitions as [PartitionId, string, string, number][]
    const numbers = runs as number[][] // as above
    return {
      writtenAt: Number(at),
      partitions: named.map(([partition, topic, topicName, number]) => ({ partition, topic, topicName, number })),
      runs: numbers.map(([partition, position, size, baseOffset, lastOffset, maxTimestamp, appendTimestamp]) => ({
        partition: partition!,
        position: position!,
        sizeBytes: size!,
        offsets:
          baseOffset === undefined
            ? null
            : { baseOffset, lastOffset: lastOffset!, maxTimestamp: maxTimestamp!, appendTimestamp: appendTimestamp! },
      })),
    }
  } catch (cause) {
    throw new StorageError('failed', `the index of the object ${key} cannot be read`, { cause })
  }
}

type Places = ReadonlyMap<PartitionId, NamedPartition>

const known = new WeakMap<Catalog, Places>()

/** Topic and number of each partition in a catalog; computed once per catalog. */
function placesOf(catalog: Catalog): Places {
  const made = known.get(catalog)
  if (made !== undefined) return made
  const places = new Map<PartitionId, NamedPartition>()
  for (const { id: topic, name: topicName, partitions } of catalog.byId.values()) {
    for (const [number, partition] of partitions.entries()) {
      places.set(partition, { partition, topic, topicName, number })
    }
  }
  known.set(catalog, places)
  return places
}
