import type { Clock, Random } from '../../base/index.ts'
import type { TopicRef } from './find-partition.ts'

/** One partition that a client reads, with the parameters of its request. */
export interface SessionPartition {
  readonly topic: TopicRef
  readonly index: number
  readonly offset: number
  readonly maxBytes: number
  readonly leaderEpoch: number
}

/** The session fields of a Fetch request. */
export interface SessionRequest {
  readonly id: number
  readonly epoch: number
  /** Whether topics are identified by id. */
  readonly byId: boolean
  readonly partitions: readonly SessionPartition[]
  readonly forgotten: readonly { readonly topic: TopicRef; readonly index: number }[]
}

/** The part of a partition's answer that decides whether the answer must be sent. */
export interface SessionAnswer {
  readonly errorCode: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly sizeBytes: number
}

/** How to answer a request: which partitions to read, and which of the answers to send. */
export type OpenedSession =
  | {
      readonly ok: false
      readonly error: 'FETCH_SESSION_ID_NOT_FOUND' | 'INVALID_FETCH_SESSION_EPOCH' | 'FETCH_SESSION_TOPIC_ID_ERROR'
    }
  | {
      readonly ok: true
      /** 0 without a session. */
      readonly id: number
      readonly partitions: readonly SessionPartition[]
      /** Whether the answer for a partition must be sent; call it once per partition, in order. */
      readonly mustSend: (partition: SessionPartition, answer: SessionAnswer) => boolean
    }

/** Kafka's max.incremental.fetch.session.cache.slots. */
const MAX_SESSIONS = 1000
/**
 * A session used within this many milliseconds is not evicted for another (min.incremental.fetch.session.eviction.ms).
 */
const EVICTION_MS = 120_000
const MAX_EPOCH = 2 ** 31 - 1
const FINAL_EPOCH = -1
const INITIAL_EPOCH = 0
/** Unknown high watermark: forces inclusion in the next response. */
const UNKNOWN = -1

interface Sent {
  partition: SessionPartition
  highWatermark: number
  logStartOffset: number
}

interface Session {
  readonly id: number
  readonly byId: boolean
  nextEpoch: number
  usedAt: number
  /** In the order in which they are read; those that had records move to the end, so that none starves. */
  readonly partitions: Map<string, Sent>
}

/**
 * Incremental fetch sessions (KIP-227): remember what a client reads, so that requests and responses contain only
 * changes. Sessions exist in this process only; a client whose session is gone starts a new one.
 */
export class FetchSessions {
  readonly #clock: Clock
  readonly #random: Random
  /** Least recently used first. */
  readonly #sessions = new Map<number, Session>()

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  open(request: SessionRequest): OpenedSession {
    const { id, epoch } = request
    if (epoch === FINAL_EPOCH || epoch === INITIAL_EPOCH) {
      this.#sessions.delete(id)
      const session = epoch === INITIAL_EPOCH ? this.#create(request) : undefined
      const mustSend = (partition: SessionPartition, answer: SessionAnswer) => {
        if (session) recordAnswer(session, partition, answer)
        return true
      }
      return { ok: true, id: session?.id ?? 0, partitions: request.partitions, mustSend }
    }
    const session = this.#sessions.get(id)
    if (!session) return { ok: false, error: 'FETCH_SESSION_ID_NOT_FOUND' }
    if (session.nextEpoch !== epoch) return { ok: false, error: 'INVALID_FETCH_SESSION_EPOCH' }
    if (session.byId !== request.byId) return { ok: false, error: 'FETCH_SESSION_TOPIC_ID_ERROR' }
    return this.#resume(session, request)
  }

  #resume(session: Session, { partitions, forgotten, epoch }: SessionRequest): OpenedSession {
    session.nextEpoch = following(epoch)
    session.usedAt = this.#clock.monotonic()
    for (const partition of partitions) {
      const known = session.partitions.get(nameOf(partition))
      if (known) known.partition = partition
      else session.partitions.set(nameOf(partition), nothingSent(partition))
    }
    for (const partition of forgotten) session.partitions.delete(nameOf(partition))
    this.#sessions.delete(session.id)
    const isEmpty = session.partitions.size === 0
    if (!isEmpty) this.#sessions.set(session.id, session)
    return {
      ok: true,
      id: isEmpty ? 0 : session.id,
      partitions: [...session.partitions.values()].map(({ partition }) => partition),
      mustSend: (partition, answer) => recordAnswer(session, partition, answer),
    }
  }

  /** Creates a session, unless it would be empty or there is no room for it. */
  #create({ partitions, byId }: SessionRequest): Session | undefined {
    if (partitions.length === 0 || !this.#makeRoom()) return undefined
    const session: Session = {
      id: this.#newId(),
      byId,
      nextEpoch: following(INITIAL_EPOCH),
      usedAt: this.#clock.monotonic(),
      partitions: new Map(partitions.map(partition => [nameOf(partition), nothingSent(partition)])),
    }
    this.#sessions.set(session.id, session)
    return session
  }

  #makeRoom(): boolean {
    if (this.#sessions.size < MAX_SESSIONS) return true
    const oldest = this.#sessions.values().next().value!
    if (this.#clock.monotonic() - oldest.usedAt < EVICTION_MS) return false
    return this.#sessions.delete(oldest.id)
  }

  #newId(): number {
    for (;;) {
      const id = Buffer.from(this.#random.bytes(4)).readUInt32BE() >>> 1
      if (id > 0 && !this.#sessions.has(id)) return id
    }
  }
}

/** Records an answer; returns whether it contains anything new. Errors always count as new. */
function recordAnswer(session: Session, partition: SessionPartition, answer: SessionAnswer): boolean {
  const name = nameOf(partition)
  const sent = session.partitions.get(name)
  if (!sent) return true
  const { errorCode, highWatermark, logStartOffset, sizeBytes } = answer
  const isNew = highWatermark !== sent.highWatermark || logStartOffset !== sent.logStartOffset
  sent.highWatermark = errorCode === 0 ? highWatermark : UNKNOWN
  sent.logStartOffset = logStartOffset
  if (sizeBytes > 0) {
    session.partitions.delete(name)
    session.partitions.set(name, sent)
  }
  return isNew || sizeBytes > 0 || errorCode !== 0
}

function nothingSent(partition: SessionPartition): Sent {
  return { partition, highWatermark: UNKNOWN, logStartOffset: UNKNOWN }
}

function following(epoch: number): number {
  return epoch === MAX_EPOCH ? 1 : epoch + 1
}

function nameOf({ topic, index }: { readonly topic: TopicRef; readonly index: number }): string {
  return `${topic.id}/${topic.name}/${index}`
}
