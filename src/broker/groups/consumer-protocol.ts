// What consumers of the classic protocol put into the metadata and assignments of their group (ConsumerProtocol).
import { Reader, Writer } from '../../kafka/index.ts'
import type { Catalog, TopicId } from '../../metadata/index.ts'
import type { Assignment } from './assignors.ts'

export interface Subscription {
  readonly topics: readonly string[]
  /** What the member owns; empty if the version does not carry it, or if members give up everything to rebalance. */
  readonly owned: readonly NamedPartitions[]
}

export interface NamedPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** Parses a member's subscription; undefined if the bytes are not one, since members may send anything. */
export function readSubscription(metadata: Buffer): Subscription | undefined {
  try {
    const reader = new Reader(metadata)
    const version = reader.int16()
    const topics = reader.array(0, item => item.string())
    if (version < 1) return { topics, owned: [] }
    reader.nullableBytes()
    return { topics, owned: readPartitions(reader) }
  } catch {
    return undefined
  }
}

/** Parses the partitions of an assignment; undefined if the bytes are not one. No bytes mean an empty assignment. */
export function readAssignment(bytes: Buffer): NamedPartitions[] | undefined {
  if (bytes.length === 0) return []
  try {
    const reader = new Reader(bytes)
    reader.int16()
    return readPartitions(reader)
  } catch {
    return undefined
  }
}

/** Encodes an assignment that consumers of every version can read. */
export function writeAssignment(assigned: readonly NamedPartitions[]): Buffer {
  const writer = new Writer()
  writer.int16(0)
  writer.int32(assigned.length)
  for (const { topic, partitions } of assigned) {
    writer.string(topic)
    writer.int32(partitions.length)
    for (const partition of partitions) writer.int32(partition)
  }
  writer.int32(-1)
  return Buffer.concat(writer.finish())
}

/** Converts to partitions by topic id; topics that no longer exist are omitted. */
export function withIds(owned: readonly NamedPartitions[], { byName }: Catalog): Assignment {
  const assignment = new Map<TopicId, readonly number[]>()
  for (const { topic, partitions } of owned) {
    const id = byName.get(topic)?.id
    if (id !== undefined && partitions.length > 0)
      assignment.set(
        id,
        partitions.toSorted((a, b) => a - b),
      )
  }
  return assignment
}

/** Converts to partitions by topic name; topics that no longer exist are omitted. */
export function withNames(assignment: Assignment, { byId }: Catalog): NamedPartitions[] {
  return [...assignment].flatMap(([id, partitions]) => {
    const topic = byId.get(id)
    return topic === undefined ? [] : [{ topic: topic.name, partitions }]
  })
}

function readPartitions(reader: Reader): NamedPartitions[] {
  return reader.array(0, item => ({ topic: item.string(), partitions: item.array(4, each => each.int32()) }))
}
