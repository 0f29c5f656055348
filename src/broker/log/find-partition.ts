import { ErrorCode, zeroUuid } from '../../kafka/index.ts'
import type { Catalog, Metadata, PartitionId, Topic } from '../../metadata/index.ts'

/** A topic as a request identifies it: by name, or by id in later versions. */
export interface TopicRef {
  readonly name: string
  readonly id: string
}

/** A partition that exists, or the error for the response. */
export type FoundPartition =
  | { readonly ok: true; readonly topic: Topic; readonly partition: PartitionId }
  | { readonly ok: false; readonly errorCode: number }

/**
 * Finds a partition in a catalog. A client without the required permission on the topic learns
 * nothing about it, not even whether it exists.
 */
export function findPartition(
  catalog: Catalog,
  { name, id }: TopicRef,
  index: number,
  mayUse?: (topic: string) => boolean,
): FoundPartition {
  const isById = id !== zeroUuid
  const topic = isById ? catalog.byId.get(id) : catalog.byName.get(name)
  const known = topic?.name ?? (isById ? undefined : name)
  if (mayUse !== undefined && known !== undefined && !mayUse(known)) {
    return { ok: false, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED }
  }
  if (!topic) {
    return { ok: false, errorCode: isById ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
  }
  const partition = topic.partitions[index]
  if (partition === undefined) return { ok: false, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
  return { ok: true, topic, partition }
}

/**
 * Returns a catalog that knows all of these partitions, if they exist. Returns synchronously when the
 * current catalog does, so that the request keeps its place among others; only before a partition is
 * reported as unknown is the catalog reloaded.
 */
export function catalogFor(
  metadata: Metadata,
  wanted: Iterable<readonly [TopicRef, index: number]>,
): Catalog | Promise<Catalog> {
  const catalog = metadata.catalog()
  for (const [topic, index] of wanted) {
    if (!findPartition(catalog, topic, index).ok) return metadata.refresh()
  }
  return catalog
}
