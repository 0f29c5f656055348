// Finds what a log must never show, in a history of its clients. The kinds are those of Jepsen's workload for queues
// (jepsen.tests.kafka), and those of groups.
import { type Graph, cyclesIn } from './cycles.ts'
import type { CommitSeen, History, ReadRecord, Write } from './history.ts'

export type AnomalyKind =
  | 'inconsistent offset' // Two values at one offset.
  | 'duplicate' // One value at two offsets.
  | 'lost' // Acknowledged and not in the log, although later records are.
  | 'unseen' // Acknowledged and not in the log, which ends before it.
  | 'never sent'
  | 'aborted read' // G1a
  | 'torn' // A part of a transaction is in the log, or its records without its offsets.
  | 'read before commit' // A transaction consumed what it had sent itself.
  | 'circular' // G1c: transactions consumed from each other.
  | 'sent out of order' // A process's records are in another order than it sent them.
  | 'skipped' // A consumer was not given a record.
  | 'not monotonic' // A consumer was given an offset again, or an earlier one.
  | 'stale end' // The end of a partition lies before an acknowledged record.
  | 'regressed' // A committed offset went back.
  | 'skipped by a group' // The group committed beyond a record that no member was given.
  | 'consumed twice' // Two transactions of one group consumed the same record.
  | 'hole' // An offset without a record where no transaction wrote.

export interface Anomaly {
  readonly kind: AnomalyKind
  readonly text: string
}

/** Kafka does not isolate the writes of transactions from each other, so these are counted and no anomalies. */
export interface Allowed {
  /** Cycles of transactions by the order of their writes (G0). */
  readonly interleaved: number
}

export function checkHistory(history: History): { anomalies: Anomaly[]; allowed: Allowed } {
  const index = new Index(history)
  const checks = [
    ...[offsets, lost, reads, torn, transactionalOffsets, order],
    ...[sessions, ends, commits, groups, holes, cycles],
  ]
  return {
    anomalies: checks.flatMap(check => Array.from(check(history, index))),
    allowed: { interleaved: cyclesIn(writeOrder(index)).length },
  }
}

/** The history by value and by partition. */
class Index {
  readonly writeOf = new Map<string, Write>()
  /** All offsets at which a value was acknowledged or read. */
  readonly offsetsOf = new Map<string, Set<number>>()
  readonly valuesAt = new Map<string, Set<string>>()
  /** The log of each partition, by offset. */
  readonly logs = new Map<string, ReadRecord[]>()
  readonly logged = new Map<string, ReadRecord>()

  constructor(history: History) {
    for (const write of history.writes) {
      for (const { partition, value, offset } of write.sent) {
        this.writeOf.set(value, write)
        if (offset !== undefined) this.#see({ partition, value, offset })
      }
    }
    for (const record of allReads(history)) this.#see(record)
    for (const record of history.log) {
      this.logged.set(record.value, record)
      const log = this.logs.get(record.partition)
      if (log) log.push(record)
      else this.logs.set(record.partition, [record])
    }
  }

  #see({ partition, offset, value }: ReadRecord): void {
    add(this.offsetsOf, value, offset)
    add(this.valuesAt, `${partition}@${offset}`, value)
  }
}

function* allReads(history: History): Generator<ReadRecord> {
  yield* history.log
  for (const { sessions } of history.readers) for (const { records } of sessions) yield* records
  yield* groupReads(history)
  for (const { read } of history.writes) yield* read
}

function* groupReads({ groups: all }: History): Generator<ReadRecord> {
  for (const { records } of all) if (typeof records !== 'string') yield* records
}

function add<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key)
  if (set) set.add(value)
  else map.set(key, new Set([value]))
}

function* offsets(_: History, { offsetsOf, valuesAt }: Index): Generator<Anomaly> {
  for (const [place, values] of valuesAt)
    if (values.size > 1) yield { kind: 'inconsistent offset', text: `${place} is ${[...values].join(' and ')}` }
  for (const [value, all] of offsetsOf)
    if (all.size > 1) yield { kind: 'duplicate', text: `${value} is at ${[...all].join(' and ')}` }
}

function* lost({ writes }: History, { logged, logs }: Index): Generator<Anomaly> {
  for (const { outcome, sent } of writes) {
    if (outcome !== 'done') continue
    for (const { partition, value, offset } of sent) {
      if (logged.has(value)) continue
      const last = logs.get(partition)?.at(-1)?.offset ?? -1
      const kind = offset === undefined || last > offset ? 'lost' : 'unseen'
      yield { kind, text: `${value} was acknowledged at ${partition}@${offset}, the log ends at ${last}` }
    }
  }
}

/** What nobody may read: values that were never sent, and for readers of committed records those of aborted writes. */
function* reads(history: History, { writeOf }: Index): Generator<Anomaly> {
  for (const { partition, offset, value } of allReads(history))
    if (!writeOf.has(value)) yield { kind: 'never sent', text: `${value} at ${partition}@${offset}` }
  for (const { partition, offset, value } of committedReads(history))
    if (writeOf.get(value)?.outcome === 'aborted')
      yield { kind: 'aborted read', text: `${value} at ${partition}@${offset}` }
  for (const write of history.writes) {
    const own = new Set(write.sent.map(({ value }) => value))
    for (const { value } of write.read)
      if (own.has(value)) yield { kind: 'read before commit', text: `${write.process} consumed its own ${value}` }
  }
}

function* committedReads(history: History): Generator<ReadRecord> {
  yield* history.log
  for (const { seesAborted, sessions } of history.readers)
    if (!seesAborted) for (const { records } of sessions) yield* records
  yield* groupReads(history)
}

function* torn({ writes }: History, { logged }: Index): Generator<Anomaly> {
  for (const { process, sent } of writes) {
    const there = sent.filter(({ value }) => logged.has(value))
    if (there.length > 0 && there.length < sent.length)
      yield {
        kind: 'torn',
        text: `of ${process}'s ${sent.map(({ value }) => value).join()} only ${there.map(({ value }) => value).join()} are there`,
      }
  }
}

/** A group's offset is that of the last transaction that is in the log. */
function* transactionalOffsets({ writes, groups }: History, { logged }: Index): Generator<Anomaly> {
  const expected = new Map<string, Map<string, number>>()
  for (const { sent, offsets, outcome } of writes) {
    const isThere = sent.length > 0 ? sent.some(({ value }) => logged.has(value)) : outcome === 'done'
    if (!isThere) continue
    for (const { group, partition, offset } of offsets ?? []) {
      const known = expected.get(group) ?? new Map<string, number>()
      expected.set(group, known.set(partition, offset))
    }
  }
  for (const { group, committed } of groups) {
    for (const [partition, offset] of expected.get(group) ?? []) {
      const found = committed.get(partition) ?? -1
      if (found !== offset)
        yield { kind: 'torn', text: `${group} is at ${partition}@${found}, its last transaction at ${offset}` }
    }
  }
}

/**
 * The records of each process, by partition, in the order in which it sent them. A record that was sent outside a
 * transaction and got no answer may be appended later than its successors: those are sent by a new producer, and a
 * broker that was suspended still carries out the request. Transactions of one id are fenced from each other.
 */
function* order({ writes }: History, { logged }: Index): Generator<Anomaly> {
  const last = new Map<string, ReadRecord>()
  for (const { process, sent, outcome, offsets } of writes) {
    const latest = new Map<string, ReadRecord>()
    for (const { partition, value } of sent) {
      const record = logged.get(value)
      if (!record) continue
      const key = `${process} ${partition}`
      const before = latest.get(key) ?? last.get(key)
      if (before && before.offset >= record.offset)
        yield {
          kind: 'sent out of order',
          text: `${process} sent ${value} (${partition}@${record.offset}) after ${before.value} (@${before.offset})`,
        }
      latest.set(key, record)
    }
    const isOrdered = outcome !== 'unknown' || offsets !== undefined
    if (isOrdered) for (const [key, record] of latest) last.set(key, record)
  }
}

/** Consumers that seek by themselves receive everything from their offset on, in order, once. */
function* sessions({ readers }: History, { logs }: Index): Generator<Anomaly> {
  for (const { reader, sessions: all } of readers) {
    for (const { partition, from, records } of all) {
      const log = logs.get(partition) ?? []
      let next = from
      let at = log.findIndex(({ offset }) => offset >= from)
      for (const { offset } of records) {
        const text = `${reader} was given ${partition}@${offset} when it was at ${next}`
        if (offset < next) yield { kind: 'not monotonic', text }
        // What the log holds in between, without what only readers of uncommitted records see.
        for (; at >= 0 && at < log.length && log[at]!.offset < offset; at++)
          yield { kind: 'skipped', text: `${text}, without ${log[at]!.value} at ${log[at]!.offset}` }
        if (at >= 0 && log[at]?.offset === offset) at++
        next = offset + 1
      }
    }
  }
}

function* ends({ ends: all, writes }: History): Generator<Anomaly> {
  const acknowledged = new Map<string, { offset: number; at: number }[]>()
  for (const { outcome, sent, endedAt } of writes) {
    if (outcome !== 'done') continue
    for (const { partition, offset } of sent) {
      if (offset === undefined) continue
      const known = acknowledged.get(partition) ?? []
      acknowledged.set(partition, known)
      known.push({ offset, at: endedAt })
    }
  }
  for (const { partition, offset, askedAt } of all) {
    const missed = acknowledged.get(partition)?.find(one => one.at < askedAt && one.offset >= offset)
    if (missed)
      yield { kind: 'stale end', text: `${partition} ended at ${offset} after ${missed.offset} was acknowledged` }
  }
}

/** An offset that was requested after another had been returned is not lower. */
function* commits({ commits: all }: History): Generator<Anomaly> {
  for (const [place, seen] of Map.groupBy(all, ({ group, partition }: CommitSeen) => `${group} ${partition}`)) {
    const byAnswer = seen.toSorted((a, b) => a.answeredAt - b.answeredAt)
    let known = -1
    let next = 0
    for (const { offset, askedAt } of seen.toSorted((a, b) => a.askedAt - b.askedAt)) {
      for (; next < byAnswer.length && byAnswer[next]!.answeredAt < askedAt; next++)
        known = Math.max(known, byAnswer[next]!.offset)
      if (offset < known) yield { kind: 'regressed', text: `${place} was at ${known} and then at ${offset}` }
    }
  }
}

function* groups({ groups: all, writes }: History, { logs, logged }: Index): Generator<Anomaly> {
  for (const { group, records, committed } of all) {
    if (records === 'none') continue
    const given = new Set<string>()
    for (const { value } of records === 'in transactions' ? consumedBy(group, writes, logged) : records) {
      if (records === 'in transactions' && given.has(value))
        yield { kind: 'consumed twice', text: `${value} by ${group}` }
      given.add(value)
    }
    for (const [partition, end] of committed)
      for (const { offset, value } of logs.get(partition) ?? [])
        if (offset < end && !given.has(value))
          yield { kind: 'skipped by a group', text: `${group} committed ${partition}@${end} without ${value}` }
  }
}

/** What the group's transactions consumed that are in the log. */
function* consumedBy(
  group: string,
  writes: readonly Write[],
  logged: ReadonlyMap<string, ReadRecord>,
): Generator<ReadRecord> {
  for (const { offsets, read, sent } of writes)
    if (offsets?.some(one => one.group === group) && sent.some(({ value }) => logged.has(value))) yield* read
}

/** Where no transaction wrote, there is a record at every offset. */
function* holes({ dense }: History, { logs }: Index): Generator<Anomaly> {
  for (const partition of dense) {
    let next = 0
    for (const { offset } of logs.get(partition) ?? []) {
      if (offset > next) yield { kind: 'hole', text: `${partition} has nothing from ${next} to ${offset}` }
      next = offset + 1
    }
  }
}

function* cycles({ writes }: History, { writeOf }: Index): Generator<Anomaly> {
  const numbers = new Map(writes.map((write, number) => [write, number]))
  const graph = new Map<number, Set<number>>()
  for (const [number, { read }] of writes.entries()) {
    for (const { value } of read) {
      const from = numbers.get(writeOf.get(value)!)
      if (from !== undefined && from !== number) add(graph, from, number)
    }
  }
  for (const cycle of cyclesIn(graph))
    yield {
      kind: 'circular',
      text: cycle.map(number => `${writes[number]!.process}'s ${writes[number]!.sent[0]?.value}`).join(', '),
    }
}

/** From each transaction to those whose records follow its own. */
function writeOrder({ logs, writeOf }: Index): Graph {
  const numbers = new Map(Array.from(new Set(writeOf.values()), (write, number) => [write, number]))
  const graph = new Map<number, Set<number>>()
  for (const log of logs.values()) {
    for (let at = 1; at < log.length; at++) {
      const [before, after] = [writeOf.get(log[at - 1]!.value), writeOf.get(log[at]!.value)]
      if (before && after && before !== after) add(graph, numbers.get(before)!, numbers.get(after)!)
    }
  }
  return graph
}
