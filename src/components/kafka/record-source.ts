import { Admin, Base, type BaseOptions, Consumer, ProtocolError } from '@platformatic/kafka'
import type { GroupMember } from './exactly-once.ts'
import { assignRanges } from './range-assigner.ts'
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

/** How a member takes part in its group. */
export interface Membership extends MemberTimes {
  /** How partitions are shared among members, by the names that these use between them, most wanted first. */
  readonly balancers: readonly string[]
}

interface MemberTimes {
  /** How long a member may be silent before the group takes its partitions away. */
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatMs: number
}

export const defaultTimes: MemberTimes = { sessionTimeoutMs: 45_000, rebalanceTimeoutMs: 60_000, heartbeatMs: 3000 }

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
    { balancers, sessionTimeoutMs, rebalanceTimeoutMs, heartbeatMs }: Membership,
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
      // The client has no function of its own for `range`.
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
      const { topic, partition } = others[0]!
      throw new Error(`no offset is committed for partition ${partition} of topic ${topic}`)
    }
    await fetcher.startAtFallback(others)
    fetcher.wake()
  }
}

/** Topic → partition → where to start: an offset, or the end of the log to start from. */
export type StartOffsets = ReadonlyMap<string, ReadonlyMap<number, bigint | undefined> | 'all'>

/** Reads partitions without being a member of a group. Offsets are kept under a group's name where one is given. */
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

/** The offsets that are kept under the name of a group which has no members. */
class GroupOffsets {
  readonly #admin: Admin
  readonly #groupId: string

  constructor(options: BaseOptions, groupId: string) {
    this.#admin = adminOf(options)
    this.#groupId = groupId
  }

  /** The offsets to go on from, of those partitions that have one. */
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

/** All topics of a cluster with their numbers of partitions, by name. */
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

/** How long to wait between two looks at offsets that are in an open transaction, in milliseconds. */
const unstableMs = 200
const unstableOffsetCommit = 'UNSTABLE_OFFSET_COMMIT'

/** A group's offsets by topic and partition, after those transactions that were to change them have ended (KIP-447). */
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
