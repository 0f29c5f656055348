import { type Clock, type Log, waitOrAbort } from '../../base/index.ts'
import { readBatchHeader, writeRecords } from '../../kafka/index.ts'
import { type Metadata, MetadataError, type Topic } from '../../metadata/index.ts'
import type { RecordLog } from '../log/index.ts'
import { shardCount, shardOf } from '../shard.ts'

/** The topic in which Kafka stores the offsets of groups, and from which monitors read them. */
export const offsetsTopicName = '__consumer_offsets'

/** How long commits are gathered, in milliseconds: only the last one per partition is written. */
const GATHER_MS = 500
/**
 * With more than this many unwritten, the oldest is dropped; the next commit for its partition supersedes it anyway.
 */
const MAX_WAITING = 100_000

/** Maximum number of groups with transactional offsets that are followed concurrently. */
const MAX_FOLLOWED = 1000
/** How far back the first query looks, in milliseconds, because the database's clock may differ. */
const OVERLAP_MS = 60_000

/** An offset as written for monitors; null if the group no longer has one. */
interface CopiedOffset {
  readonly topic: string
  readonly partition: number
  readonly committed: {
    readonly offset: number
    readonly leaderEpoch: number
    readonly metadata: string
    /** Milliseconds since 1970. */
    readonly committedAt: number
  } | null
}

interface OffsetsTopicOptions {
  readonly metadata: Metadata
  readonly records: RecordLog
  readonly clock: Clock
  readonly log: Log
}

/**
 * Copies the offsets that groups commit to `__consumer_offsets`, for monitors that read it (Burrow, kminion). The copy
 * is made with a short delay and best effort: the metadata stores the offsets, and nothing here reads the topic.
 */
export class OffsetsTopic {
  readonly #options: OffsetsTopicOptions
  readonly #stop = new AbortController()
  /** By group, topic and partition, from which the records' keys are built. */
  readonly #waiting = new Map<string, { readonly group: string; readonly offset: CopiedOffset }>()
  #writing: Promise<void> | undefined
  /** The groups with offsets in open transactions, and the time since which their commits have not been copied. */
  readonly #followed = new Map<string, number>()
  #following: Promise<void> | undefined
  #created: Promise<Topic | undefined> | undefined

  constructor(options: OffsetsTopicOptions) {
    this.#options = options
  }

  /** Queues a group's committed offsets. Resolves when the topic exists; never rejects. */
  async copy(group: string, offsets: readonly CopiedOffset[]): Promise<void> {
    if (offsets.length === 0 || this.#stop.signal.aborted) return
    for (const offset of offsets) {
      const key = JSON.stringify([group, offset.topic, offset.partition])
      this.#waiting.delete(key)
      this.#waiting.set(key, { group, offset })
      if (this.#waiting.size > MAX_WAITING) this.#waiting.delete(this.#waiting.keys().next().value!)
    }
    this.#writing ??= this.#writeSoon().finally(() => {
      this.#writing = undefined
    })
    if (this.#known() === undefined) await this.#create()
  }

  /** Copies what a group commits in transactions, soon after these have ended. */
  async follow(group: string): Promise<void> {
    if (this.#stop.signal.aborted || this.#followed.size >= MAX_FOLLOWED) return
    if (!this.#followed.has(group)) this.#followed.set(group, this.#options.clock.now() - OVERLAP_MS)
    this.#following ??= this.#followAll().finally(() => {
      this.#following = undefined
    })
    if (this.#known() === undefined) await this.#create()
  }

  /** Writes what was queued before. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#following
    await this.#writing
  }

  async #writeSoon(): Promise<void> {
    const { clock, records, log } = this.#options
    while (this.#waiting.size > 0) {
      await waitOrAbort(clock, GATHER_MS, this.#stop.signal)
      const topic = this.#known() ?? (await this.#create())
      const queued = [...this.#waiting.values()]
      this.#waiting.clear()
      if (topic === undefined) continue
      const byShard = Map.groupBy(queued, ({ group }) => shardOf(group) % topic.partitions.length)
      const outcomes = await records.append(
        Array.from(byShard, ([shard, some]) => {
          const batch = writeRecords(some.map(record), { timestamp: clock.now() })
          // The bytes are a whole batch that was just written.
          return {
            partition: topic.partitions[shard]!,
            records: batch,
            header: readBatchHeader(batch)!,
            appendTime: false,
          }
        }),
      )
      const failed = outcomes.find(outcome => !outcome.ok)
      if (failed?.ok === false) log.warn(`offsets could not be copied to ${offsetsTopicName}`, { error: failed.code })
    }
  }

  async #followAll(): Promise<void> {
    const { clock, log } = this.#options
    while (this.#followed.size > 0 && !this.#stop.signal.aborted) {
      await waitOrAbort(clock, GATHER_MS, this.#stop.signal)
      for (const [group, since] of this.#followed) {
        try {
          await this.#copyCommitted(group, since)
        } catch (error) {
          if (!(error instanceof MetadataError)) throw error
          log.debug(`offsets of a transaction could not be copied to ${offsetsTopicName}`, {
            group,
            error: error.message,
          })
        }
      }
    }
  }

  /**
   * Copies what has been committed since, and stops following the group once no open transaction has offsets for it.
   */
  async #copyCommitted(group: string, since: number): Promise<void> {
    const { metadata } = this.#options
    // In this order: whatever was pending and is not any more is among the offsets.
    const pending = await metadata.pendingOffsets(group)
    const offsets = (await metadata.groupOffsets(group)).filter(({ committedAt }) => committedAt > since)
    const { byId } = metadata.catalog()
    const copied = offsets.flatMap((committed): CopiedOffset[] => {
      const topic = byId.get(committed.topic)?.name
      return topic === undefined ? [] : [{ topic, partition: committed.partition, committed }]
    })
    const latest = Math.max(since, ...offsets.map(({ committedAt }) => committedAt))
    if (pending.length === 0) this.#followed.delete(group)
    else this.#followed.set(group, latest)
    await this.copy(group, copied)
  }

  #known(): Topic | undefined {
    return this.#options.metadata.catalog().byName.get(offsetsTopicName)
  }

  #create(): Promise<Topic | undefined> {
    this.#created ??= this.#createOnce().finally(() => {
      this.#created = undefined
    })
    return this.#created
  }

  async #createOnce(): Promise<Topic | undefined> {
    const { metadata, log } = this.#options
    try {
      const configs = { 'cleanup.policy': 'compact', 'compression.type': 'producer', 'segment.bytes': '104857600' }
      await metadata.createTopics([{ name: offsetsTopicName, partitions: shardCount, configs }])
      return (await metadata.refresh()).byName.get(offsetsTopicName)
    } catch (error) {
      // Monitors get nothing until the metadata is available again.
      log.warn(`${offsetsTopicName} could not be created`, { error })
      return undefined
    }
  }
}

/** Builds the record for an offset, as Kafka does: OffsetCommitKey v1, OffsetCommitValue v3. */
function record({ group, offset: { topic, partition, committed } }: { group: string; offset: CopiedOffset }) {
  const key = Buffer.concat([int16(1), string(group), string(topic), int32(partition)])
  if (committed === null) return { key, value: null }
  const { offset, leaderEpoch, metadata, committedAt } = committed
  const value = Buffer.concat([int16(3), int64(offset), int32(leaderEpoch), string(metadata), int64(committedAt)])
  return { key, value }
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([int16(bytes.length), bytes])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}
