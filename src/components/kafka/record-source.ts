import { Admin, Base, type BaseOptions, Consumer, ProtocolError } from '@platformatic/kafka'
import type { GroupMember } from './exactly-once.ts'
import { assignRanges } from './range-assigner.ts'
import { closeQuietly, explained, Fetcher, type SourceOptions } from './fetcher.ts'
import type { Claim, PartitionRecords } from './source-record.ts'

/** A source of records from a set of partitions, in the order of each partition. */
export interface RecordSource {
  /**
   * Resolves to the next records, at least one, or to null when the signal aborts first. Throws when the connection is
   * lost; records fetched earlier remain available.
   */
  read(maxRecords: number, signal: AbortSignal): Promise<readonly PartitionRecords[] | null>
  /**
   * Records that everything of a partition before the offset was handled. Does nothing where offsets are not stored.
   */
  commit(offsets: ReadonlyMap<Claim, bigint>): Promise<void>
  /** Checks again which partitions may be read; call it after the result of `isFull` changes. */
  wake(): void
  /** Makes `read` throw. */
  interrupt(reason: Error): void
  close(): Promise<void>
}

/** How a member takes part in its group. */
export interface Membership extends MemberTimes {
  /** Assignment strategies by their protocol names, in order of preference. */
  readonly balancers: readonly string[]
}

interface MemberTimes {
  /** How long a member may miss heartbeats before the group reassigns its partitions, in milliseconds. */
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatMs: number
}

export const defaultTimes: MemberTimes = { sessionTimeoutMs: 45_000, rebalanceTimeoutMs: 60_000, heartbeatMs: 3000 }

/** Reads the partitions that a consumer group assigns to this member. */
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
      // The last moment at which offsets of partitions that move to another member are accepted.
      this.#onRebalance()
      this.#follow()
    })
    member.on('consumer:group:join', () => this.#follow())
    // After a failed attempt to rejoin the client stops sending heartbeats, but continues to read.
    member.on('error', error => this.interrupt(error))
    member.on('consumer:heartbeat:stalled', () => this.interrupt(new Error('the group does not answer heartbeats')))
  }

  /**
   * Joins the group, which can take as long as the session timeout of a member that vanished; the signal ends the wait.
   * `onRebalance` is called while partitions that may be lost still belong to this member.
   */
  static async open(
    options: SourceOptions,
    groupId: string,
    { balancers, sessionTimeoutMs, rebalanceTimeoutMs, heartbeatMs }: Membership,
    topics: readonly string[],
    onRebalance: () => void,
    signal: AbortSignal,
  ): Promise<GroupSource> {
    // Fetches wait for records, and heartbeats must not queue behind them: hence two clients with separate connections.
    const fetcher = new Fetcher(options, topics)
    const member = new Consumer({
      ...options.client,
      groupId,
      protocols: balancers.map(name => ({ name, version: 1 })),
      // The client has no built-in `range` assigner.
      ...(balancers[0] === 'range' ? { partitionAssigner: assignRanges } : {}),
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      heartbeatInterval: heartbeatMs,
      heartbeatStallTimeout: sessionTimeoutMs,
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
   * Resumes after an interruption, as the same member: otherwise the group would wait for the old one until its session
   * times out. Everything read and not committed is read again.
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
    // Offsets of partitions that were reassigned are not this member's to commit.
    const current = [...offsets].filter(([claim]) => claim.active)
    if (current.length === 0) return
    await this.#member.commit({
      offsets: current.map(([{ topic, partition }, offset]) => ({ topic, partition, offset, leaderEpoch: -1 })),
    })
  }

  /** This member as the group currently knows it. */
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

  /** Closes without leaving the group: the client would answer a leave only after its outstanding join. */
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

  /** Applies the group's latest assignment. */
  #follow(): void {
    const { assignments, generationId } = this.#member
    // A member that missed a generation does not know what others did with the partitions in between.
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
      const { topic, partition } = others[0]!
      throw new Error(`no offset is committed for partition ${partition} of topic ${topic}`)
    }
    await fetcher.startAtFallback(others)
    fetcher.wake()
  }
}

/** Maps topic to partition to where to start: an offset, or undefined for the configured end of the log. */
export type StartOffsets = ReadonlyMap<string, ReadonlyMap<number, bigint | undefined> | 'all'>

/** Reads partitions without joining a group. Offsets are stored under a group's name if one is given. */
export class PartitionSource implements RecordSource {
  readonly #fetcher: Fetcher
  readonly #offsets: GroupOffsets | null

  private constructor(fetcher: Fetcher, offsets: GroupOffsets | null) {
    this.#fetcher = fetcher
    this.#offsets = offsets
  }

  static async open(options: SourceOptions, group: string, starts: StartOffsets): Promise<PartitionSource> {
    const offsets = group === '' ? null : new GroupOffsets(options.client, group)
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
      const committed = await offsets?.read(claims)
      for (const claim of claims) {
        const chosen = starts.get(claim.topic)
        const given = chosen === 'all' ? undefined : chosen?.get(claim.partition)
        const offset = given ?? committed?.get(claim)
        if (offset === undefined) atFallback.push(claim)
        else claim.next = offset
      }
      await fetcher.startAtFallback(atFallback)
      return new PartitionSource(fetcher, offsets)
    } catch (error) {
      await fetcher.close()
      await offsets?.close()
      throw error
    }
  }

  read(maxRecords: number, signal: AbortSignal): Promise<readonly PartitionRecords[] | null> {
    return this.#fetcher.read(maxRecords, signal)
  }

  async commit(offsets: ReadonlyMap<Claim, bigint>): Promise<void> {
    await this.#offsets?.write(offsets)
  }

  wake(): void {
    this.#fetcher.wake()
  }

  interrupt(reason: Error): void {
    this.#fetcher.fail(reason)
  }

  async close(): Promise<void> {
    await this.#fetcher.close()
    await this.#offsets?.close()
  }
}

/** The offsets stored under the name of a group without members. */
class GroupOffsets {
  readonly #admin: Admin
  readonly #groupId: string

  constructor(options: BaseOptions, groupId: string) {
    this.#admin = adminOf(options)
    this.#groupId = groupId
  }

  /** The committed offsets of those claims that have one. */
  async read(claims: readonly Claim[]): Promise<ReadonlyMap<Claim, bigint>> {
    const topics = byTopic(claims).map(({ topic: name, partitions: partitionIndexes }) => ({ name, partitionIndexes }))
    const [group] = await this.#admin.listConsumerGroupOffsets({ groups: [{ groupId: this.#groupId, topics }] })
    const found = new Map<Claim, bigint>()
    for (const { name, partitions } of group?.topics ?? []) {
      for (const { partitionIndex, committedOffset } of partitions) {
        const claim = claims.find(({ topic, partition }) => topic === name && partition === partitionIndex)
        if (claim !== undefined && committedOffset >= 0n) found.set(claim, committedOffset)
      }
    }
    return found
  }

  async write(offsets: ReadonlyMap<Claim, bigint>): Promise<void> {
    const byName = Map.groupBy(offsets, ([{ topic }]) => topic)
    const topics = [...byName].map(([name, own]) => ({
      name,
      partitionOffsets: own.map(([{ partition }, offset]) => ({ partition, offset })),
    }))
    await this.#admin.alterConsumerGroupOffsets({ groupId: this.#groupId, topics })
  }

  close(): Promise<void> {
    return closeQuietly(this.#admin)
  }
}

function adminOf({ clientId, bootstrapBrokers, tls, sasl }: BaseOptions): Admin {
  return new Admin({ clientId, bootstrapBrokers, retries: 1, ...(tls && { tls }), ...(sasl && { sasl }) })
}

/** All topics of a cluster with their partition counts, by name. */
export async function describeTopics(options: BaseOptions): Promise<ReadonlyMap<string, number>> {
  const admin = adminOf(options)
  try {
    const topics = await admin.listTopics({ includeInternals: true })
    const metadata = await admin.metadata({ topics })
    return new Map(topics.map(topic => [topic, metadata.topics.get(topic)?.partitionsCount ?? 0]))
  } finally {
    await closeQuietly(admin)
  }
}

/** How long to wait between checks for offsets that are part of an open transaction, in milliseconds. */
const unstableMs = 200
const unstableOffsetCommit = 'UNSTABLE_OFFSET_COMMIT'

/**
 * Resolves to a group's offsets by topic and partition, once the transactions that were to change them have ended
 * (KIP-447).
 */
async function stableOffsets(
  options: BaseOptions,
  groupId: string,
  claims: readonly Claim[],
): Promise<ReadonlyMap<string, readonly bigint[]>> {
  const admin = adminOf(options)
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
