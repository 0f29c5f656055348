import { Admin, Base, type BaseOptions, Consumer, ProtocolError } from '@platformatic/kafka'
import type { GroupMember } from './exactly-once.ts'
import { closeQuietly, explained, Fetcher, type SourceOptions } from './fetcher.ts'
import type { Claim, PartitionRecords } from './source-record.ts'

/** Records of a selection of partitions, in the order of each partition. */
export interface RecordSource {
  /**
   * The next records, at least one, or null when the signal aborts first. Throws where the connection is lost; nothing that was
   * fetched before is lost by that.
   */
  read(maxRecords: number, signal: AbortSignal): Promise<readonly PartitionRecords[] | null>
  /** Notes that everything of a partition before the offset was handled. Does nothing where offsets are not kept. */
  commit(offsets: ReadonlyMap<Claim, bigint>): Promise<void>
  /** Looks again which partitions may be read, after `isFull` answers otherwise. */
  wake(): void
  /** Makes `read` throw. */
  interrupt(reason: Error): void
  close(): Promise<void>
}

/** Reads what a consumer group assigns to this member. */
export class GroupSource implements RecordSource {
  readonly #member: Consumer
  readonly #options: SourceOptions
  readonly #onRebalance: () => void
  #fetcher: Fetcher
  #generation = -1

  private constructor(member: Consumer, fetcher: Fetcher, options: SourceOptions, onRebalance: () => void) {
    this.#member = member
    this.#fetcher = fetcher
    this.#options = options
    this.#onRebalance = onRebalance
    member.on('consumer:group:rebalance', () => {
      // The last moment at which offsets of partitions that go to another member are taken.
      this.#onRebalance()
      this.#follow()
    })
    member.on('consumer:group:join', () => this.#follow())
    // After a failed attempt to join again the client sends no heartbeats any more and reads on as if nothing had happened.
    member.on('error', error => this.interrupt(error))
    member.on('consumer:heartbeat:stalled', () => this.interrupt(new Error('the group does not answer heartbeats')))
  }

  /**
   * Joins the group, which can take as long as the session of a member that is gone without a word; the signal ends the wait.
   * `onRebalance` is called while partitions that may be lost are still this member's.
   */
  static async open(
    options: SourceOptions,
    groupId: string,
    balancers: readonly string[],
    topics: readonly string[],
    onRebalance: () => void,
    signal: AbortSignal,
  ): Promise<GroupSource> {
    // Fetches wait for records, and heartbeats must not wait behind them: so these are two clients with their connections.
    const fetcher = new Fetcher(options, topics)
    const member = new Consumer({
      ...options.client,
      groupId,
      protocols: balancers.map(name => ({ name, version: 1 })),
      sessionTimeout: 45_000,
      rebalanceTimeout: 60_000,
      heartbeatInterval: 3000,
      heartbeatStallTimeout: 45_000,
    })
    const source = new GroupSource(member, fetcher, options, onRebalance)
    try {
      member.topics.trackAll(...topics)
      await source.#join(signal)
      return source
    } catch (error) {
      if (signal.aborted) await source.#abandon()
      else await source.close()
      throw error
    }
  }

  /**
   * Goes on after an interruption, as the same member: the group would wait for one that is gone without a word until its
   * session is over. Everything that was read and not committed is read again.
   */
  async reopen(topics: readonly string[], signal: AbortSignal): Promise<void> {
    const known = this.#member.topics.current
    const changed = topics.length !== known.length || topics.some(topic => !known.includes(topic))
    if (changed) {
      this.#member.topics.clear()
      this.#member.topics.trackAll(...topics)
    }
    await this.#fetcher.close()
    this.#fetcher = new Fetcher(this.#options, topics)
    this.#generation = -1
    if (changed || !this.#member.isActive()) await this.#join(signal)
    else this.#follow()
  }

  read(maxRecords: number, signal: AbortSignal): Promise<readonly PartitionRecords[] | null> {
    return this.#fetcher.read(maxRecords, signal)
  }

  async commit(offsets: ReadonlyMap<Claim, bigint>): Promise<void> {
    // What belongs to another member by now is not this one's to commit.
    const current = [...offsets].filter(([claim]) => claim.active)
    if (current.length === 0) return
    await this.#member.commit({
      offsets: current.map(([{ topic, partition }, offset]) => ({ topic, partition, offset, leaderEpoch: -1 })),
    })
  }

  /** This member as the group knows it now. */
  get member(): GroupMember {
    const { groupId, generationId, memberId, coordinatorId } = this.#member
    return { groupId, generationId, memberId: memberId ?? '', coordinatorId }
  }

  wake(): void {
    this.#fetcher.wake()
  }

  interrupt(reason: Error): void {
    this.#fetcher.fail(reason)
  }

  async close(): Promise<void> {
    await this.#fetcher.close()
    await closeQuietly(this.#member)
  }

  /** Closes without leaving the group: it would answer that after the join that it has not answered yet. */
  async #abandon(): Promise<void> {
    await this.#fetcher.close()
    await closeQuietly({ close: () => Base.prototype.close.call(this.#member) })
  }

  async #join(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const abort = () => aborted.reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      await Promise.race([this.#member.joinGroup({}), aborted.promise])
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Takes over what the group assigned last. */
  #follow(): void {
    const { assignments, generationId } = this.#member
    // Who missed a generation does not know what others did with the partitions in between.
    const contiguous = this.#generation >= 0 && generationId - this.#generation <= 1
    this.#generation = generationId
    const wanted = (assignments ?? []).flatMap(({ topic, partitions }) =>
      partitions.map(partition => ({ topic, partition })),
    )
    const fetcher = this.#fetcher
    const added = fetcher.assign(wanted, contiguous)
    if (added.length === 0) return
    this.#startAtCommitted(fetcher, added).catch((error: unknown) => fetcher.fail(error))
  }

  async #startAtCommitted(fetcher: Fetcher, claims: readonly Claim[]): Promise<void> {
    const committed = this.#options.requireStable
      ? await stableOffsets(this.#options.client, this.#member.groupId, claims)
      : await this.#member.listCommittedOffsets({ topics: byTopic(claims) })
    const others: Claim[] = []
    for (const claim of claims) {
      const offset = committed.get(claim.topic)?.[claim.partition] ?? -1n
      if (offset >= 0n) claim.next = offset
      else others.push(claim)
    }
    if (others.length > 0 && this.#options.fallback === 'none') {
      const [{ topic, partition }] = others as [Claim]
      throw new Error(`no offset is committed for partition ${partition} of topic ${topic}`)
    }
    await fetcher.startAtFallback(others)
    fetcher.wake()
  }
}

/** Topic → partition → where to start: an offset, or the end of the log to start from. */
export type StartOffsets = ReadonlyMap<string, ReadonlyMap<number, bigint | undefined> | 'all'>

/** Reads partitions without any group. Offsets are not kept. */
export class PartitionSource implements RecordSource {
  readonly #fetcher: Fetcher

  private constructor(fetcher: Fetcher) {
    this.#fetcher = fetcher
  }

  static async open(options: SourceOptions, starts: StartOffsets): Promise<PartitionSource> {
    const fetcher = new Fetcher(options, [...starts.keys()])
    try {
      const counts = await fetcher.partitionCounts()
      const wanted = [...starts].flatMap(([topic, chosen]) => {
        const count = counts.get(topic) ?? 0
        const partitions = chosen === 'all' ? Array.from({ length: count }, (_, index) => index) : [...chosen.keys()]
        for (const partition of partitions)
          if (partition >= count) throw new Error(`topic ${topic} has no partition ${partition}`)
        return partitions.map(partition => ({ topic, partition }))
      })
      const claims = fetcher.assign(wanted, false)
      const atFallback: Claim[] = []
      for (const claim of claims) {
        const chosen = starts.get(claim.topic)
        const offset = chosen === 'all' ? undefined : chosen?.get(claim.partition)
        if (offset === undefined) atFallback.push(claim)
        else claim.next = offset
      }
      await fetcher.startAtFallback(atFallback)
      return new PartitionSource(fetcher)
    } catch (error) {
      await fetcher.close()
      throw error
    }
  }

  read(maxRecords: number, signal: AbortSignal): Promise<readonly PartitionRecords[] | null> {
    return this.#fetcher.read(maxRecords, signal)
  }

  commit(): Promise<void> {
    return Promise.resolve()
  }

  wake(): void {
    this.#fetcher.wake()
  }

  interrupt(reason: Error): void {
    this.#fetcher.fail(reason)
  }

  close(): Promise<void> {
    return this.#fetcher.close()
  }
}

/** All topics of a cluster with their numbers of partitions, by name. */
export async function describeTopics(options: BaseOptions): Promise<ReadonlyMap<string, number>> {
  const { clientId, bootstrapBrokers, tls, sasl } = options
  const admin = new Admin({ clientId, bootstrapBrokers, retries: 1, ...(tls && { tls }), ...(sasl && { sasl }) })
  try {
    const topics = await admin.listTopics({ includeInternals: true })
    const metadata = await admin.metadata({ topics })
    return new Map(topics.map(topic => [topic, metadata.topics.get(topic)?.partitionsCount ?? 0]))
  } finally {
    await closeQuietly(admin)
  }
}

/** How long to wait between two looks at offsets that are in an open transaction, in milliseconds. */
const unstableMs = 200
const unstableOffsetCommit = 'UNSTABLE_OFFSET_COMMIT'

/** A group's offsets by topic and partition, after those transactions that were to change them have ended (KIP-447). */
async function stableOffsets(
  { clientId, bootstrapBrokers, tls, sasl }: BaseOptions,
  groupId: string,
  claims: readonly Claim[],
): Promise<ReadonlyMap<string, readonly bigint[]>> {
  const admin = new Admin({ clientId, bootstrapBrokers, retries: 1, ...(tls && { tls }), ...(sasl && { sasl }) })
  const topics = byTopic(claims).map(({ topic: name, partitions: partitionIndexes }) => ({ name, partitionIndexes }))
  try {
    while (claims.some(({ active }) => active)) {
      try {
        const [group] = await admin.listConsumerGroupOffsets({ groups: [{ groupId, topics }], requireStable: true })
        const offsets = new Map<string, bigint[]>()
        for (const { name, partitions } of group?.topics ?? []) {
          const ofTopic: bigint[] = []
          for (const { partitionIndex, committedOffset } of partitions) ofTopic[partitionIndex] = committedOffset
          offsets.set(name, ofTopic)
        }
        return offsets
      } catch (error) {
        if (!isUnstable(error)) throw error
        await new Promise(resolve => setTimeout(resolve, unstableMs))
      }
    }
    return new Map()
  } catch (error) {
    throw explained(error)
  } finally {
    await closeQuietly(admin)
  }
}

function isUnstable(error: unknown): boolean {
  if (error instanceof ProtocolError) return error.apiId === unstableOffsetCommit
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isUnstable)
  return error instanceof Error && error.cause !== undefined && isUnstable(error.cause)
}

function byTopic(claims: readonly Claim[]): { topic: string; partitions: number[] }[] {
  const topics = Map.groupBy(claims, ({ topic }) => topic)
  return [...topics].map(([topic, own]) => ({ topic, partitions: own.map(({ partition }) => partition) }))
}
