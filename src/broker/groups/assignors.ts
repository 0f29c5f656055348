// The server-side assignors of the `consumer` protocol (KIP-848). Pure: the same
// input always yields the same assignment.
import type { TopicId } from '../../metadata/index.ts'
import type { MemberId } from './classic-group.ts'

/** Partitions by topic, each list ascending. Topics without partitions are omitted. */
export type Assignment = ReadonlyMap<TopicId, readonly number[]>

export const nothingAssigned: Assignment = new Map()

export interface AssignorMember {
  readonly id: MemberId
  readonly instanceId: string | null
  /** The existing topics that it subscribes to. */
  readonly topics: readonly TopicId[]
  /** Its target assignment so far. */
  readonly current: Assignment
}

/** Computes an assignment for every member. */
export type Assignor = (
  members: readonly AssignorMember[],
  /** Number of partitions per topic. */
  partitions: ReadonlyMap<TopicId, number>,
) => Map<MemberId, Assignment>

/** The assignors by name; the first is the default. */
export const assignors: Readonly<Record<string, Assignor>> = { uniform, range }
export const defaultAssignor = 'uniform'

/**
 * Spreads the partitions evenly, regardless of topic, and moves as few as possible: members keep what they have up to
 * their share. Members with the same subscriptions differ by at most one partition.
 */
export function uniform(
  members: readonly AssignorMember[],
  partitions: ReadonlyMap<TopicId, number>,
): Map<MemberId, Assignment> {
  const shares = members.map(member => ({ member, topics: new Set(member.topics), parts: new Map<string, Slot>() }))
  const subscribers = new Map<TopicId, Share[]>()
  for (const share of shares) {
    for (const topic of share.topics) {
      const known = subscribers.get(topic)
      if (known === undefined) subscribers.set(topic, [share])
      else known.push(share)
    }
  }
  const owners = keepCurrent(shares, partitions)
  const isEven = new Set(shares.map(({ member }) => member.topics.toSorted().join())).size <= 1
  if (isEven) releaseSurplus(shares, partitions, owners)
  const free: Slot[] = []
  // Topics with the fewest subscribers first, because the others can still compensate for them.
  const topics = [...subscribers].toSorted(([a, x], [b, y]) => x.length - y.length || (a < b ? -1 : 1))
  for (const [topic] of topics) {
    for (let partition = 0; partition < (partitions.get(topic) ?? 0); partition++) {
      const slot = { topic, partition }
      if (!owners.has(keyOf(slot))) free.push(slot)
    }
  }
  if (isEven) fillEvenly(shares, free)
  else balance(shares, free, subscribers)
  return new Map(shares.map(({ member, parts }) => [member.id, assignmentOf(parts.values())]))
}

/**
 * Gives each subscriber of a topic a contiguous range of its partitions, in the order of the members.
 * Topics with the same number of partitions and the same subscribers are divided identically, so that
 * records with equal keys reach the same member.
 */
export function range(
  members: readonly AssignorMember[],
  partitions: ReadonlyMap<TopicId, number>,
): Map<MemberId, Assignment> {
  const ordered = members.toSorted(byRank)
  const assigned = new Map(members.map(({ id }) => [id, new Map<TopicId, number[]>()]))
  const subscribers = new Map<TopicId, AssignorMember[]>()
  for (const member of ordered) {
    for (const topic of new Set(member.topics)) {
      const known = subscribers.get(topic)
      if (known === undefined) subscribers.set(topic, [member])
      else known.push(member)
    }
  }
  for (const [topic, of] of subscribers) {
    const count = partitions.get(topic) ?? 0
    const least = Math.floor(count / of.length)
    const more = count % of.length
    let next = 0
    of.forEach(({ id }, i) => {
      const size = least + (i < more ? 1 : 0)
      if (size > 0) {
        const first = next
        assigned.get(id)!.set(
          topic,
          Array.from({ length: size }, (_, k) => first + k),
        )
      }
      next += size
    })
  }
  return assigned
}

interface Slot {
  readonly topic: TopicId
  readonly partition: number
}

interface Share {
  readonly member: AssignorMember
  readonly topics: ReadonlySet<TopicId>
  readonly parts: Map<string, Slot>
}

/** Lets members keep the partitions that they have and are still entitled to. Returns the owner of each. */
function keepCurrent(shares: readonly Share[], partitions: ReadonlyMap<TopicId, number>): Map<string, Share> {
  const owners = new Map<string, Share>()
  for (const share of shares) {
    for (const [topic, list] of share.member.current) {
      if (!share.topics.has(topic)) continue
      for (const partition of list) {
        const slot = { topic, partition }
        const key = keyOf(slot)
        if (partition >= (partitions.get(topic) ?? 0) || owners.has(key)) continue
        owners.set(key, share)
        share.parts.set(key, slot)
      }
    }
  }
  return owners
}

/** Takes partitions beyond an even share from members. */
function releaseSurplus(
  shares: readonly Share[],
  partitions: ReadonlyMap<TopicId, number>,
  owners: Map<string, Share>,
): void {
  if (shares.length === 0) return
  let total = 0
  for (const topic of shares[0]!.topics) total += partitions.get(topic) ?? 0
  const least = Math.floor(total / shares.length)
  let withOneMore = total % shares.length
  for (const { parts } of shares) {
    let keep = least
    if (parts.size > least && withOneMore > 0) {
      withOneMore--
      keep++
    }
    for (const key of [...parts.keys()].slice(keep)) {
      parts.delete(key)
      owners.delete(key)
    }
  }
}

/** Gives free partitions to members that are subscribed to all of them, least loaded first. */
function fillEvenly(shares: readonly Share[], free: readonly Slot[]): void {
  const total = free.length + shares.reduce((sum, { parts }) => sum + parts.size, 0)
  const least = Math.floor(total / shares.length)
  let next = 0
  for (const { parts } of shares) while (parts.size < least && next < free.length) take(parts, free[next++]!)
  for (const { parts } of shares) if (parts.size === least && next < free.length) take(parts, free[next++]!)
}

/**
 * Gives free partitions to the least loaded subscriber, then moves single ones while this makes the shares more even.
 */
function balance(
  shares: readonly Share[],
  free: readonly Slot[],
  subscribers: ReadonlyMap<TopicId, readonly Share[]>,
): void {
  for (const slot of free) take(leastLoaded(subscribers.get(slot.topic)!).parts, slot)
  // Each move reduces the sum of the squared loads, so this terminates.
  for (let moved = true; moved; ) {
    moved = false
    for (const share of shares) {
      for (const [key, slot] of share.parts) {
        const other = leastLoaded(subscribers.get(slot.topic)!)
        if (other.parts.size + 1 >= share.parts.size) continue
        share.parts.delete(key)
        take(other.parts, slot)
        moved = true
      }
    }
  }
}

function leastLoaded(shares: readonly Share[]): Share {
  let least = shares[0]!
  for (const share of shares) if (share.parts.size < least.parts.size) least = share
  return least
}

function take(parts: Map<string, Slot>, slot: Slot): void {
  parts.set(keyOf(slot), slot)
}

function keyOf({ topic, partition }: Slot): string {
  return `${topic}/${partition}`
}

function assignmentOf(slots: Iterable<Slot>): Assignment {
  const byTopic = new Map<TopicId, number[]>()
  for (const { topic, partition } of slots) {
    const list = byTopic.get(topic)
    if (list === undefined) byTopic.set(topic, [partition])
    else list.push(partition)
  }
  for (const list of byTopic.values()) list.sort((a, b) => a - b)
  return byTopic
}

/** Sorts static members by instance id, which outlives member ids, before the others. */
function byRank(a: AssignorMember, b: AssignorMember): number {
  if ((a.instanceId === null) !== (b.instanceId === null)) return a.instanceId === null ? 1 : -1
  const [x, y] = [a.instanceId ?? a.id, b.instanceId ?? b.id]
  return x < y ? -1 : x > y ? 1 : 0
}
