import { messageOf } from '../../base/index.ts'
import type { Re2, Value } from '../../bloblang/index.ts'
import {
  type Batcher,
  type batchingField,
  deliverBatch,
  deliverEach,
  type Delivery,
  type Infer,
  type Input,
  isClosing,
  Message,
  NotConnectedError,
  type Resources,
} from '../../engine/index.ts'
import { Checkpointer } from './checkpointer.ts'
import { ExactlyOnce } from './exactly-once.ts'
import { explained, type SourceOptions } from './fetcher.ts'
import { describeTopics, GroupSource, type Membership, PartitionSource, type RecordSource } from './record-source.ts'
import type { Claim, PartitionRecords, SourceRecord } from './source-record.ts'
import { Throttle } from './throttle.ts'
import type { TopicSelection } from './topics.ts'

/** Records handed on at a time: enough for the cost of a batch to be small next to that of its messages. */
const maxReadRecords = 1024

/** How often to check whether a missing topic exists, in milliseconds. */
const missingTopicsMs = 5000

/** The settings common to the Kafka inputs. */
export interface KafkaInputSettings {
  /** Client options, without those that the input sets itself. */
  readonly source: Omit<SourceOptions, 'isFull' | 'requireStable'>
  readonly selection: TopicSelection
  /** Patterns for topic names; null when the topics are listed by name. */
  readonly patterns: readonly Re2[] | null
  /** Empty for none. With explicitly chosen partitions it only stores offsets. */
  readonly group: string
  readonly membership: Membership
  readonly metadataMaxAgeMs: number
  /** Maximum number of messages of a partition in flight before reading pauses. */
  readonly checkpointLimit: number
  readonly commitPeriodMs: number
  readonly isExactlyOnce: boolean
  /** Label of a rate limit resource; empty for none. */
  readonly rateLimit: string
  readonly isMultiHeader: boolean
  /** Whether messages have the metadata of the `kafka` input: the lag, and a key even where the record has none. */
  readonly isSarama: boolean
  readonly batching: Infer<typeof batchingField>
}

interface PartitionState {
  readonly checkpointer: Checkpointer
  readonly batcher: Batcher | null
  /** The offset after the newest record waiting in the batcher. */
  batchedUpTo: bigint
}

export class KafkaInput implements Input {
  readonly #settings: KafkaInputSettings
  readonly #resources: Resources
  readonly #throttle: Throttle | null
  readonly #options: SourceOptions
  #source: RecordSource | null = null
  /** A membership whose connection was lost and that will be resumed. */
  #lost: GroupSource | null = null
  #topicsTimer: NodeJS.Timeout | undefined
  #partitions = new Map<Claim, PartitionState>()
  /** Offsets ready to be committed. */
  #commits = new Map<Claim, bigint>()
  #commitTimer: NodeJS.Timeout | undefined
  #committing: Promise<void> | null = null
  #ready: Delivery[] = []
  readonly #exactlyOnce: ExactlyOnce | undefined
  /** The partitions of the current round of records, in exactly-once mode. */
  #round: Set<Claim> | undefined
  /** Called when more messages have been handled. */
  #onProgress: (() => void) | undefined

  constructor(settings: KafkaInputSettings, resources: Resources) {
    this.#settings = settings
    this.#resources = resources
    this.#throttle = settings.rateLimit === '' ? null : new Throttle(settings.rateLimit, resources)
    this.#exactlyOnce = settings.isExactlyOnce ? ExactlyOnce.of(resources.shared) : undefined
    this.#options = {
      ...settings.source,
      requireStable: settings.isExactlyOnce,
      isFull: claim => (this.#partitions.get(claim)?.checkpointer.pendingMessages ?? 0) >= settings.checkpointLimit,
    }
  }

  async connect(signal: AbortSignal): Promise<void> {
    try {
      await this.#open(signal)
    } catch (error) {
      throw explained(error)
    }
  }

  async #open(signal: AbortSignal): Promise<void> {
    const { group, selection } = this.#settings
    const topics = await this.#topics()
    this.#partitions = new Map()
    this.#commits = new Map()
    this.#round = undefined
    // What the last round left open must be aborted before the committed offsets are read.
    await this.#exactlyOnce?.prepare()
    if (group === '' || selection.partitions.size > 0) {
      const starts = new Map<string, ReadonlyMap<number, bigint | undefined> | 'all'>(selection.partitions)
      for (const topic of topics) starts.set(topic, 'all')
      this.#source = await PartitionSource.open(this.#options, group, starts)
      if (group !== '') this.#commitPeriodically()
      return
    }
    const onRebalance = () => void this.#commit()
    if (this.#lost === null) {
      this.#source = await GroupSource.open(
        this.#options,
        group,
        this.#settings.membership,
        topics,
        onRebalance,
        signal,
      )
    } else {
      await this.#lost.reopen(topics, signal)
      this.#source = this.#lost
      this.#lost = null
    }
    if (this.#exactlyOnce === undefined) this.#commitPeriodically()
  }

  #commitPeriodically(): void {
    clearInterval(this.#commitTimer)
    this.#commitTimer = setInterval(() => void this.#commit(), Math.max(1, this.#settings.commitPeriodMs))
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    for (;;) {
      const next = this.#ready.shift()
      if (next !== undefined) return this.#throttled(next, signal)
      const source = this.#source
      if (source === null) throw new NotConnectedError()
      if (this.#exactlyOnce !== undefined && !(await this.#endRound(this.#exactlyOnce, source, signal))) return null
      const due = this.#flushDue()
      const records = await this.#readRecords(source, due, signal)
      if (records === null) {
        await this.#flushAll()
        this.#openRound()
        const last = this.#ready.shift()
        return last === undefined ? null : this.#throttled(last, signal)
      }
      await this.#takeRecords(records)
      this.#openRound()
    }
  }

  /** The part of a delivery that the rate limit allows; the rest stays ready. Null when the signal aborts first. */
  async #throttled(delivery: Delivery, signal: AbortSignal): Promise<Delivery | null> {
    if (this.#throttle === null) return delivery
    const { allowed, rest } = await this.#throttle.take(delivery, signal)
    if (rest !== null) this.#ready.unshift(rest)
    return allowed
  }

  /** Starts a round with the records that are ready. */
  #openRound(): void {
    if (this.#exactlyOnce === undefined || this.#ready.length === 0) return
    this.#round = new Set(this.#partitions.keys())
    this.#exactlyOnce.open()
  }

  /**
   * Waits until the whole round is handled, and commits it with its offsets. Returns false when the signal aborts
   * first. Throws `NotConnectedError` when the round is void, so that the input reconnects and reads it again.
   */
  async #endRound(exactlyOnce: ExactlyOnce, source: RecordSource, signal: AbortSignal): Promise<boolean> {
    const round = this.#round
    if (round === undefined) return true
    while (this.#isUnderWay(round)) {
      if (signal.aborted) return false
      await this.#progress(signal)
    }
    this.#round = undefined
    const commits = this.#commits
    this.#commits = new Map()
    // The constructor has made sure that there is a group.
    if (!(source instanceof GroupSource)) throw new NotConnectedError()
    // The generation is read at the same moment as the partitions: if it has ended, the cluster refuses the offsets.
    if ([...round].some(({ active }) => !active)) exactlyOnce.fail(new Error('partitions went to another member'))
    try {
      await exactlyOnce.commit(source.member, commits)
      return true
    } catch (error) {
      this.#resources.log.warn(`A transaction was aborted, its records are read again: ${messageOf(error)}`)
      this.#loseSource(source)
      throw new NotConnectedError(error)
    }
  }

  #isUnderWay(round: ReadonlySet<Claim>): boolean {
    for (const claim of round) if ((this.#partitions.get(claim)?.checkpointer.pendingMessages ?? 0) > 0) return true
    return false
  }

  #progress(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        signal.removeEventListener('abort', done)
        this.#onProgress = undefined
        resolve()
      }
      this.#onProgress = done
      signal.addEventListener('abort', done, { once: true })
    })
  }

  /**
   * Drops the connection but keeps a group membership to resume; everything read and not committed will be read again.
   */
  #loseSource(source: GroupSource): void {
    this.#source = null
    this.#ready = []
    clearInterval(this.#topicsTimer)
    this.#lost = source
  }

  async close(): Promise<void> {
    clearInterval(this.#commitTimer)
    clearInterval(this.#topicsTimer)
    if (this.#exactlyOnce === undefined) {
      // A commit in flight does not include the newest offsets.
      await this.#committing
      await this.#commit()
    } else {
      await this.#commitLastRound(this.#exactlyOnce)
    }
    const source = this.#source ?? this.#lost
    this.#source = null
    await source?.close()
    for (const { batcher } of this.#partitions.values()) await batcher?.close()
  }

  /** Commits the current round if all of it is handled; otherwise the next run reads it again. */
  async #commitLastRound(exactlyOnce: ExactlyOnce): Promise<void> {
    const [round, source] = [this.#round, this.#source]
    const isHandled = round !== undefined && this.#ready.length === 0 && !this.#isUnderWay(round)
    const isOwn = isHandled && [...round].every(({ active }) => active)
    if (isOwn && source instanceof GroupSource) {
      await exactlyOnce
        .commit(source.member, this.#commits)
        .catch((error: unknown) => this.#resources.log.warn(`The last transaction was aborted: ${messageOf(error)}`))
    }
    await exactlyOnce.close()
  }

  /** The topics that are read as a whole. When one of them appears later, or gains partitions, the input reconnects. */
  async #topics(): Promise<readonly string[]> {
    clearInterval(this.#topicsTimer)
    const { selection, patterns, metadataMaxAgeMs } = this.#settings
    const { topics: named, partitions } = selection
    if (named.length === 0) return []
    const isWanted = (topic: string) =>
      patterns === null ? named.includes(topic) : !topic.startsWith('__') && patterns.some(re => re.test(topic))
    const find = async () => [...(await describeTopics(this.#options.client))].filter(([topic]) => isWanted(topic))
    const found = await find()
    if (found.length === 0 && partitions.size === 0) {
      throw new Error(
        patterns === null ? `topic ${named.join(', ')} does not exist yet` : 'no topic matches the patterns yet',
      )
    }
    const isComplete = patterns === null && found.length === new Set(named).size
    const look = async () => {
      const now = await find()
      if (describe(now) !== describe(found)) this.#source?.interrupt(new Error('topics or their partitions changed'))
    }
    this.#topicsTimer = setInterval(
      () => {
        look().catch((error: unknown) =>
          this.#resources.log.warn(`Failed to look for new topics: ${explained(error).message}`),
        )
      },
      Math.max(100, isComplete ? metadataMaxAgeMs : Math.min(metadataMaxAgeMs, missingTopicsMs)),
    )
    return found.map(([topic]) => topic)
  }

  /**
   * Resolves to records, to none where a batching period ends first, or to null at the end. Throws `NotConnectedError`
   * when the connection is lost.
   */
  async #readRecords(
    source: RecordSource,
    dueMs: number | undefined,
    signal: AbortSignal,
  ): Promise<readonly PartitionRecords[] | null> {
    const due = dueMs === undefined ? undefined : AbortSignal.timeout(Math.max(1, Math.ceil(dueMs)))
    try {
      const records = await source.read(maxReadRecords, due === undefined ? signal : AbortSignal.any([signal, due]))
      if (records === null && due?.aborted && !signal.aborted) return []
      return records
    } catch (error) {
      if (signal.aborted) return null
      this.#resources.log.error(`Kafka poll error: ${explained(error).message}`)
      this.#source = null
      clearInterval(this.#commitTimer)
      clearInterval(this.#topicsTimer)
      if (source instanceof GroupSource) this.#lost = source
      else await source.close()
      throw new NotConnectedError(error)
    }
  }

  /** Turns records into deliveries: one run per partition, since order only has to be kept within a partition. */
  async #takeRecords(runs: readonly PartitionRecords[]): Promise<void> {
    await this.#forgetLost()
    for (const { claim, records } of runs) {
      const state = this.#partitions.get(claim) ?? (await this.#startPartition(claim))
      if (state.batcher === null) {
        this.#ready.push(this.#trackedRun(claim, state, records))
        continue
      }
      for (const record of records) {
        state.batchedUpTo = record.offset + 1n
        const delivery = deliverEach([this.#message(claim, record)])
        for (const batch of await state.batcher.add(delivery))
          this.#ready.push(this.#trackedBatch(claim, state, batch, state.batchedUpTo))
      }
    }
    if (this.#ready.length === 0) await this.#flushDueBatches()
  }

  /** Drops the pending batches of partitions that were reassigned; their new owner reads those records. */
  async #forgetLost(): Promise<void> {
    for (const [claim, { batcher }] of this.#partitions) {
      if (claim.active) continue
      this.#partitions.delete(claim)
      this.#commits.delete(claim)
      await batcher?.close()
    }
  }

  async #startPartition(claim: Claim): Promise<PartitionState> {
    const policy = this.#settings.batching
    const batches = policy.count > 0 || policy.byte_size > 0 || policy.period !== undefined || policy.check !== null
    const state: PartitionState = {
      checkpointer: new Checkpointer(),
      batcher: batches ? await this.#resources.batcher(policy) : null,
      batchedUpTo: 0n,
    }
    this.#partitions.set(claim, state)
    return state
  }

  /** A run in which each record is a batch, and each acknowledgement advances the partition's progress. */
  #trackedRun(claim: Claim, state: PartitionState, records: readonly SourceRecord[]): Delivery {
    const done = state.checkpointer.trackEach(records.map(record => record.offset + 1n))
    const commit = this.#committer(claim)
    const messages = records.map(record => this.#message(claim, record))
    let places: Map<Message, number> | undefined
    return deliverEach(messages, (some, error) => {
      // The stream is closing before they could be handled, so they will be read again.
      if (isClosing(error)) return
      if (some.length === messages.length) return commit(done(messages.keys()))
      places ??= new Map(messages.map((message, place) => [message, place]))
      commit(done(some.map(message => places!.get(message)!)))
    })
  }

  /** A batch whose acknowledgement advances the partition's progress. */
  #trackedBatch(claim: Claim, state: PartitionState, batch: Delivery, nextOffset: bigint): Delivery {
    const done = state.checkpointer.track(nextOffset, batch.messages.length)
    const commit = this.#committer(claim)
    return deliverBatch(batch.messages, async error => {
      if (isClosing(error)) return
      await batch.ack(error)
      commit(done())
    })
  }

  /**
   * Returns a function that records the offset ready to be committed. Permanently refused messages count as handled.
   */
  #committer(claim: Claim): (offset: bigint | undefined) => void {
    const source = this.#source
    return offset => {
      source?.wake()
      this.#onProgress?.()
      // Progress on an older connection is void: its partitions may belong to another member by now.
      if (offset !== undefined && claim.active && source === this.#source) this.#commits.set(claim, offset)
    }
  }

  #message({ topic, partition, highWatermark }: Claim, record: SourceRecord): Message {
    const metadata = new Map<string, Value>()
    const { isSarama } = this.#settings
    if (record.key !== null || isSarama) metadata.set('kafka_key', text(record.key ?? noBytes))
    metadata.set('kafka_topic', topic)
    metadata.set('kafka_partition', BigInt(partition))
    metadata.set('kafka_offset', record.offset)
    if (isSarama) {
      const lag = highWatermark - record.offset - 1n
      metadata.set('kafka_lag', lag > 0n ? lag : 0n)
    }
    metadata.set('kafka_timestamp_unix', record.timestamp / 1000n)
    metadata.set('kafka_timestamp_unix_ms', record.timestamp)
    metadata.set('kafka_tombstone_message', record.value === null)
    for (const [name, value] of record.headers) {
      const key = text(name ?? noBytes)
      const header = text(value ?? noBytes)
      if (!this.#settings.isMultiHeader) metadata.set(key, header)
      // Only this loop stores arrays there.
      else metadata.set(key, [...((metadata.get(key) as Value[] | undefined) ?? []), header])
    }
    return Message.fromBytes(record.value ?? noBytes, metadata)
  }

  #flushDue(): number | undefined {
    let due: number | undefined
    for (const { batcher } of this.#partitions.values()) {
      const wait = batcher?.untilDue()
      if (wait !== undefined && (due === undefined || wait < due)) due = wait
    }
    return due
  }

  async #flushDueBatches(): Promise<void> {
    for (const [claim, state] of this.#partitions) {
      const wait = state.batcher?.untilDue()
      if (state.batcher === null || wait === undefined || wait > 0) continue
      for (const batch of await state.batcher.flush())
        this.#ready.push(this.#trackedBatch(claim, state, batch, state.batchedUpTo))
    }
  }

  async #flushAll(): Promise<void> {
    for (const [claim, state] of this.#partitions) {
      for (const batch of (await state.batcher?.flush()) ?? []) {
        this.#ready.push(this.#trackedBatch(claim, state, batch, state.batchedUpTo))
      }
    }
  }

  /** Runs one commit at a time: a commit that fails because of a rebalance carries that rebalance. */
  #commit(): Promise<void> {
    this.#committing ??= this.#commitOnce().finally(() => (this.#committing = null))
    return this.#committing
  }

  async #commitOnce(): Promise<void> {
    const source = this.#source
    if (source === null || this.#commits.size === 0 || this.#exactlyOnce !== undefined) return
    const commits = this.#commits
    this.#commits = new Map()
    try {
      await source.commit(commits)
    } catch (error) {
      // Uncommitted messages are read again after a rebalance; the next attempt carries newer offsets.
      this.#resources.log.error(`Failed to commit offsets: ${explained(error).message}`)
      for (const [claim, offset] of commits) if (!this.#commits.has(claim)) this.#commits.set(claim, offset)
    }
  }
}

const noBytes = new Uint8Array(0)

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}

function describe(topics: readonly (readonly [string, number])[]): string {
  return topics
    .map(([topic, partitions]) => `${topic} ${partitions}`)
    .toSorted()
    .join()
}
