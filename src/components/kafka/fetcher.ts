import { asError, messageOf } from '../../base/index.ts'
import { Consumer, type ConsumerOptions, MultipleErrors, ProtocolError, ResponseError } from '@platformatic/kafka'
import { abortedBatches, Claim, type PartitionRecords, recordsOf } from './source-record.ts'

export interface SourceOptions {
  readonly client: ClientOptions
  readonly fallback: 'earliest' | 'latest' | 'none'
  readonly maxPartitionBytes: number
  /** Fetching of a partition pauses while this many of its records wait to be taken; 1,024 by default. */
  readonly enoughReady?: number
  /** Whether to wait for group offsets that an open transaction is about to change. */
  readonly requireStable: boolean
  /** Whether to hold a partition's records back because too many of them are in flight. */
  readonly isFull: (claim: Claim) => boolean
}

type ClientOptions = Omit<ConsumerOptions<Buffer, Buffer, Buffer, Buffer>, 'groupId'>

/** Time limit in milliseconds of the final requests to a cluster: a commit and leaving the group. */
const farewellMs = 5000

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>

/** Prefetches the records of partitions, with one outstanding request per broker. */
export class Fetcher {
  readonly #consumer: Consumer
  readonly #options: SourceOptions
  readonly #topics: readonly string[]
  readonly #enoughReady: number
  #claims: Claim[] = []
  /** Brokers with an outstanding request. */
  readonly #busy = new Set<number>()
  #planning = false
  #failure: Error | null = null
  #wake: (() => void) | null = null
  #closed = false

  constructor(options: SourceOptions, topics: readonly string[]) {
    this.#options = options
    this.#topics = topics
    this.#enoughReady = options.enoughReady ?? 1024
    // The library requires a group name even from a client that never joins one.
    this.#consumer = new Consumer({ ...options.client, groupId: 'none' } as ConsumerOptions<
      Buffer,
      Buffer,
      Buffer,
      Buffer
    >)
    this.#consumer.topics.trackAll(...topics)
  }

  async partitionCounts(): Promise<ReadonlyMap<string, number>> {
    const metadata = await this.#consumer.metadata({ topics: [...this.#topics] })
    return new Map([...metadata.topics].map(([name, topic]) => [name, topic.partitionsCount]))
  }

  /**
   * Reads exactly these partitions from now on and returns the new claims, whose `next` the caller must set. With
   * `keep`, partitions that are already being read continue at their position; otherwise all claims are new.
   */
  assign(wanted: readonly { topic: string; partition: number }[], keep: boolean): readonly Claim[] {
    const kept: Claim[] = []
    const added: Claim[] = []
    for (const { topic, partition } of wanted) {
      const known = this.#claims.find(claim => claim.topic === topic && claim.partition === partition)
      if (known !== undefined && keep) kept.push(known)
      else added.push(new Claim(topic, partition))
    }
    for (const claim of this.#claims) {
      if (kept.includes(claim)) continue
      claim.active = false
      claim.ready = []
    }
    this.#claims = [...kept, ...added]
    this.wake()
    return added
  }

  /** Sets the claims to the configured fallback, the start or the end of the log. */
  async startAtFallback(claims: readonly Claim[]): Promise<void> {
    for (const [topic, own] of Map.groupBy(claims, claim => claim.topic)) {
      const offsets = await this.#consumer.listOffsets({
        topics: [topic],
        partitions: { [topic]: own.map(({ partition }) => partition) },
        timestamp: this.#options.fallback === 'earliest' ? -2n : -1n,
      })
      for (const claim of own) claim.next = offsets.get(topic)?.[claim.partition] ?? 0n
    }
  }

  async read(maxRecords: number, signal: AbortSignal): Promise<readonly PartitionRecords[] | null> {
    for (;;) {
      const taken = this.#take(maxRecords)
      if (this.#failure === null) this.#fetchMore()
      if (taken.length > 0) return taken
      if (this.#failure !== null) throw this.#failure
      if (signal.aborted) return null
      await this.#progress(signal)
    }
  }

  wake(): void {
    this.#wake?.()
  }

  fail(error: unknown): void {
    this.#failure ??= asError(error)
    this.wake()
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const claim of this.#claims) claim.active = false
    this.fail(new Error('the connection was closed'))
    await closeQuietly(this.#consumer)
  }

  /** Takes runs of records from the partitions that are not full, in turn. */
  #take(maxRecords: number): PartitionRecords[] {
    const taken: PartitionRecords[] = []
    let count = 0
    for (const claim of this.#claims) {
      const room = maxRecords - count
      const run = claim.ready[0]
      if (run === undefined || room === 0 || this.#options.isFull(claim)) continue
      const records = run.length <= room ? run : run.splice(0, room)
      if (records === run) claim.ready.shift()
      taken.push({ claim, records })
      count += records.length
      claim.readyRecords -= records.length
    }
    // Rotate for fairness.
    if (this.#claims.length > 1) this.#claims.push(this.#claims.shift()!)
    return taken
  }

  #fetchMore(): void {
    if (this.#planning || this.#closed) return
    const hungry = this.#claims.some(({ next, readyRecords }) => next !== null && readyRecords < this.#enoughReady)
    if (!hungry) return
    this.#planning = true
    this.#request()
      .catch((error: unknown) => this.fail(error))
      .finally(() => (this.#planning = false))
  }

  /** Sends each idle broker a fetch for the partitions that it leads. */
  async #request(): Promise<void> {
    const { topics } = await this.#consumer.metadata({ topics: [...this.#topics] })
    const byNode = new Map<number, Claim[]>()
    for (const claim of this.#claims) {
      if (claim.next === null || claim.readyRecords >= this.#enoughReady) continue
      const leader = topics.get(claim.topic)?.partitions[claim.partition]?.leader
      if (leader === undefined) throw new Error(`partition ${claim.topic}:${claim.partition} does not exist`)
      if (this.#busy.has(leader)) continue
      const claims = byNode.get(leader)
      if (claims === undefined) byNode.set(leader, [claim])
      else claims.push(claim)
    }
    for (const [node, claims] of byNode) {
      this.#busy.add(node)
      const ids = new Map(claims.map(({ topic }) => [topics.get(topic)!.id, topic]))
      this.#fetch(node, claims, ids)
        .catch((error: unknown) => this.fail(error))
        .finally(() => {
          this.#busy.delete(node)
          this.wake()
        })
    }
  }

  async #fetch(node: number, claims: readonly Claim[], topicsById: ReadonlyMap<string, string>): Promise<void> {
    const topics = [...topicsById].map(([topicId, topic]) => ({
      topicId,
      partitions: claims
        .filter(claim => claim.topic === topic)
        .map(({ partition, next }) => ({
          partition,
          fetchOffset: next!,
          currentLeaderEpoch: -1,
          lastFetchedEpoch: -1,
          partitionMaxBytes: this.#options.maxPartitionBytes,
        })),
    }))
    let response: FetchResponse
    try {
      response = await this.#consumer.fetch({ node, topics })
    } catch (error) {
      const outOfRange = this.#outOfRange(error, claims, topicsById)
      if (outOfRange === undefined) throw error
      await this.startAtFallback(outOfRange)
      return
    }
    for (const { topicId, partitions } of response.responses) {
      const topic = topicsById.get(topicId)
      for (const { partitionIndex, records, abortedTransactions, highWatermark } of partitions) {
        const claim = claims.find(own => own.topic === topic && own.partition === partitionIndex)
        // Drop responses for revoked partitions.
        if (!claim?.active) continue
        claim.highWatermark = highWatermark
        const batches = records ?? []
        // The broker does not list them to a read-uncommitted consumer.
        const aborted = abortedBatches(batches, abortedTransactions ?? [])
        for (const batch of batches) accept(claim, batch, aborted.has(batch))
      }
    }
  }

  /**
   * The claims whose offsets are out of range, provided that nothing else is wrong and there is a fallback position.
   */
  #outOfRange(
    error: unknown,
    claims: readonly Claim[],
    topicsById: ReadonlyMap<string, string>,
  ): readonly Claim[] | undefined {
    const outOfRangeCode = 1
    // A fetch error carries the response that caused it.
    const response = responseOf(error) as FetchResponse | undefined
    if (this.#options.fallback === 'none' || response?.errorCode !== 0) return undefined
    const found: Claim[] = []
    for (const { topicId, partitions } of response.responses) {
      const topic = topicsById.get(topicId)
      for (const { partitionIndex, errorCode } of partitions) {
        if (errorCode === 0) continue
        const claim = claims.find(own => own.topic === topic && own.partition === partitionIndex)
        if (errorCode !== outOfRangeCode || claim === undefined) return undefined
        found.push(claim)
      }
    }
    return found.length > 0 ? found : undefined
  }

  #progress(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        signal.removeEventListener('abort', done)
        this.#wake = null
        resolve()
      }
      this.#wake = done
      signal.addEventListener('abort', done, { once: true })
    })
  }
}

function accept(claim: Claim, batch: Parameters<typeof recordsOf>[0], isAborted: boolean): void {
  const records = isAborted ? [] : recordsOf(batch, claim.next!)
  if (records.length > 0) claim.ready.push(records)
  claim.readyRecords += records.length
  const next = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
  if (next > claim.next!) claim.next = next
}

/**
 * Returns the error with the actual cause: the client's own errors only say what was attempted, nested over several
 * levels of retries.
 */
export function explained(error: unknown): Error {
  const reasons = new Set(reasonsOf(error))
  return new Error([...reasons].join(': '), { cause: error })
}

function reasonsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)]
  if (error instanceof ProtocolError) return [`${error.apiId}: ${serverWordsOf(error) ?? error.message}`]
  const deeper: unknown = error instanceof AggregateError ? error.errors.at(-1) : error.cause
  // Its message only names the request, which means nothing to the user.
  if (error instanceof ResponseError && deeper !== undefined) return reasonsOf(deeper)
  const own = error.message === '' ? [] : [messageOf(error).replace(/\.$/, '')]
  return deeper === undefined ? own : [...own, ...reasonsOf(deeper)]
}

/** The broker's own explanation of an error, which accompanies the code. */
function serverWordsOf(error: ProtocolError): string | undefined {
  const words: unknown = Reflect.get(error, 'serverErrorMessage')
  return typeof words === 'string' && words !== '' ? words : undefined
}

/** The broker's response behind an error. */
function responseOf(error: unknown): unknown {
  if (error instanceof ResponseError) return error.response
  if (error instanceof MultipleErrors) return error.errors.map(responseOf).find(response => response !== undefined)
  return undefined
}

/** Errors while closing are ignored: the connection is gone either way. */
export async function closeQuietly(closable: { close(): Promise<unknown> }): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<void>(resolve => (timer = setTimeout(resolve, farewellMs)))
  await Promise.race([closable.close().catch(() => undefined), tooLong])
  clearTimeout(timer)
}
