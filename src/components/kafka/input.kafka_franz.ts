import { messageOf } from '../../base/index.ts'
import { compileRe2, type Re2, type Value } from '../../bloblang/index.ts'
import {
  autoReplayNacksField,
  type Batcher,
  batchingField,
  ConfigError,
  defineInput,
  deliverBatch,
  deliverEach,
  type Delivery,
  field,
  type Infer,
  type Input,
  isClosing,
  Message,
  NotConnectedError,
  type Resources,
} from '../../engine/index.ts'
import { Checkpointer } from './checkpointer.ts'
import { clientOptions, connectionFields, parseBytes } from './connection-fields.ts'
import { ExactlyOnce } from './exactly-once.ts'
import { explained, type SourceOptions } from './fetcher.ts'
import { describeTopics, GroupSource, PartitionSource, type RecordSource } from './record-source.ts'
import type { Claim, PartitionRecords, SourceRecord } from './source-record.ts'
import { Throttle } from './throttle.ts'
import { parseTopics, type TopicSelection } from './topics.ts'

/** Records handed on at a time: enough that the work for each batch is small beside that for its messages. */
const maxReadRecords = 1024

/** How often a topic that is missing is looked for, in milliseconds. */
const missingTopicsMs = 5000

/** What balancers are called between the members of a group. */
const protocolNames: Readonly<Record<string, string>> = {
  round_robin: 'roundrobin',
  cooperative_sticky: 'cooperative-sticky',
}

const config = field
  .object({
    ...connectionFields,
    topics: field
      .string(
        'Topics to read. With `foo:0` only that partition, with `foo:0-3` a range of them, with `foo:0:25` from that offset on; without a consumer group.',
      )
      .list()
      .examples(['foo', 'bar'], ['foo:0', 'bar:1-3']),
    regexp_topics: field.bool('Whether `topics` are regular expressions.').default(false),
    consumer_group: field
      .string('The group to read as: partitions are shared among its members and offsets are kept under its name.')
      .optional(),
    checkpoint_limit: field
      .int('How many messages of a partition may be on their way before more are read.')
      .default(1024)
      .advanced(),
    exactly_once: field
      .bool(
        'Whether offsets are committed together with what the `kafka_franz` output of the same stream writes to the same cluster, which must have `exactly_once` as well. Only committed records are read.',
      )
      .default(false)
      .advanced(),
    auto_replay_nacks: autoReplayNacksField,
    commit_period: field.duration('How often offsets are committed.').default('5s').advanced(),
    start_from_oldest: field.bool('Whether a new group starts with the oldest record.').default(true).advanced(),
    reconnect_on_unknown_topic_or_partition: field
      .bool('Whether a topic that vanished makes the input connect anew.')
      .default(false)
      .advanced(),
    auto_offset_reset: field
      .string('Where to start where no offset is kept; wins over `start_from_oldest`.')
      .options({ earliest: 'With the oldest record.', latest: 'With what comes next.', none: 'Not at all.' })
      .optional()
      .advanced(),
    group_balancers: field
      .string('How partitions are shared among members, most wanted first.')
      .options({ round_robin: '', range: '', sticky: '', cooperative_sticky: '' })
      .list()
      .default(['cooperative_sticky'])
      .advanced(),
    fetch_max_bytes: field.string('The most bytes of one fetch.').default('50MiB').advanced(),
    fetch_max_partition_bytes: field.string('The most bytes of one partition in a fetch.').default('1MiB').advanced(),
    fetch_max_wait: field.duration('How long a fetch may wait for records.').default('5s').advanced(),
    preferring_lag: field.int('Reads partitions first that lag by more records than this.').optional().advanced(),
    transaction_isolation_level: field
      .string('Which records of transactions are seen.')
      .options({ read_uncommitted: 'All.', read_committed: 'Those that were committed.' })
      .default('read_uncommitted')
      .advanced(),
    multi_header: field.bool('Whether headers become lists, as a name may come twice.').default(false).advanced(),
    batching: batchingField.advanced(),
    rate_limit: field.string('A rate limit, of which each batch is one use.').default('').advanced(),
    extract_tracing_map: field.mapping('Where the tracing span of a message is found.').optional().advanced(),
    new_root_span_with_link: field.bool('Whether messages start a trace of their own.').optional().advanced(),
  })
  .lint(value => {
    const given = (value ?? {}) as Record<string, unknown>
    const { topics, consumer_group: group, regexp_topics: regexp, exactly_once: exactlyOnce } = given
    if (exactlyOnce === true && (group === undefined || group === '')) return 'exactly_once needs a consumer_group'
    if (!Array.isArray(topics) || !topics.some(topic => String(topic).includes(':'))) return undefined
    if (group !== undefined && group !== '') {
      return 'this input does not support both a consumer group and explicit topic partitions'
    }
    if (regexp === true) {
      return 'this input does not support both regular expression topics and explicit topic partitions'
    }
    return undefined
  })

type Config = Infer<typeof config>

export default defineInput({
  name: 'kafka_franz',
  status: 'stable',
  categories: ['Services'],
  summary: 'Reads records of Kafka topics.',
  description: `Metadata of each message: \`kafka_key\`, \`kafka_topic\`, \`kafka_partition\`, \`kafka_offset\`, \`kafka_timestamp_unix\`,
\`kafka_timestamp_unix_ms\`, \`kafka_tombstone_message\`, and all record headers by their names.`,
  config,
  requires: ['@platformatic/kafka'],
  needs: ['network'],
  create: (options, resources) => new KafkaFranzInput(options, resources),
})

interface PartitionState {
  readonly checkpointer: Checkpointer
  readonly batcher: Batcher | null
  /** The offset behind the newest record that waits in the batcher. */
  batchedUpTo: bigint
}

class KafkaFranzInput implements Input {
  readonly #config: Config
  readonly #resources: Resources
  readonly #throttle: Throttle | null
  readonly #selection: TopicSelection
  readonly #options: SourceOptions
  /** What topics' names must match, where they are not named one by one. */
  readonly #patterns: readonly Re2[] | null
  #source: RecordSource | null = null
  /** A membership whose connection was lost and that is taken up again. */
  #lost: GroupSource | null = null
  #topicsTimer: NodeJS.Timeout | undefined
  #partitions = new Map<Claim, PartitionState>()
  /** Offsets that may be committed and are not yet. */
  #commits = new Map<Claim, bigint>()
  #commitTimer: NodeJS.Timeout | undefined
  #committing: Promise<void> | null = null
  #ready: Delivery[] = []
  readonly #exactlyOnce: ExactlyOnce | undefined
  /** The partitions of the round of records that is under way, where these are read exactly once. */
  #round: Set<Claim> | undefined
  /** Called when more of what was read is handled. */
  #onProgress: (() => void) | undefined

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#throttle = options.rate_limit === '' ? null : new Throttle(options.rate_limit, resources)
    this.#selection = parseTopics(options.topics)
    if (options.exactly_once && (options.consumer_group ?? '') === '') {
      throw new ConfigError('exactly_once needs a consumer_group')
    }
    this.#exactlyOnce = options.exactly_once ? ExactlyOnce.of(resources.shared) : undefined
    this.#patterns = options.regexp_topics ? this.#selection.topics.map(compilePattern) : null
    this.#options = {
      client: {
        ...clientOptions(options, resources.host),
        autocommit: false,
        minBytes: 1,
        maxBytes: parseBytes('fetch_max_bytes', options.fetch_max_bytes),
        maxWaitTime: options.fetch_max_wait ?? 5000,
        isolationLevel: options.exactly_once || options.transaction_isolation_level === 'read_committed' ? 1 : 0,
        retries: 2,
        retryDelay: 250,
      },
      fallback:
        (options.auto_offset_reset as SourceOptions['fallback'] | undefined) ??
        (options.start_from_oldest ? 'earliest' : 'latest'),
      requireStable: options.exactly_once,
      maxPartitionBytes: parseBytes('fetch_max_partition_bytes', options.fetch_max_partition_bytes),
      isFull: claim =>
        (this.#partitions.get(claim)?.checkpointer.pendingMessages ?? 0) >= this.#config.checkpoint_limit,
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
    const group = this.#config.consumer_group ?? ''
    const topics = await this.#topics()
    this.#partitions = new Map()
    this.#commits = new Map()
    this.#round = undefined
    // What the last round left open is aborted before the committed offsets are read.
    await this.#exactlyOnce?.prepare()
    if (group === '') {
      const starts = new Map<string, ReadonlyMap<number, bigint | undefined> | 'all'>(this.#selection.partitions)
      for (const topic of topics) starts.set(topic, 'all')
      this.#source = await PartitionSource.open(this.#options, starts)
      return
    }
    const onRebalance = () => void this.#commit()
    if (this.#lost === null) {
      this.#source = await GroupSource.open(this.#options, group, this.#balancers(), topics, onRebalance, signal)
    } else {
      await this.#lost.reopen(topics, signal)
      this.#source = this.#lost
      this.#lost = null
    }
    const period = Math.max(1, this.#config.commit_period ?? 5000)
    clearInterval(this.#commitTimer)
    if (this.#exactlyOnce !== undefined) return
    this.#commitTimer = setInterval(() => void this.#commit(), period)
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

  /** What of a delivery the rate limit allows; the rest stays ready. Null when the signal aborts first. */
  async #throttled(delivery: Delivery, signal: AbortSignal): Promise<Delivery | null> {
    if (this.#throttle === null) return delivery
    const { allowed, rest } = await this.#throttle.take(delivery, signal)
    if (rest !== null) this.#ready.unshift(rest)
    return allowed
  }

  /** What is ready makes up a round. */
  #openRound(): void {
    if (this.#exactlyOnce === undefined || this.#ready.length === 0) return
    this.#round = new Set(this.#partitions.keys())
    this.#exactlyOnce.open()
  }

  /**
   * Waits until all of the round is handled, and commits it with its offsets. False when the signal aborts first. Throws
   * `NotConnectedError` when the round is void, so that the input connects anew and reads it again.
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
    // The constructor has seen to it that there is a group.
    if (!(source instanceof GroupSource)) throw new NotConnectedError()
    // The generation is read in the same moment as the partitions: where it is over, the cluster refuses the offsets.
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

  /** A group's membership is taken up again; everything that was read and not committed is read again then. */
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
      // One that is on its way does not have the newest offsets.
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

  /** Commits the round that is under way if all of it is handled; else it is read again by the next run. */
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

  #balancers(): readonly string[] {
    const names = this.#config.group_balancers
    const known = names.flatMap(name => protocolNames[name] ?? [])
    if (known.length > 0 || names.length === 0) return known.length > 0 ? known : ['cooperative-sticky']
    this.#resources.log.warn(`Group balancers ${names.join(', ')} are not available, using round_robin`)
    return ['roundrobin']
  }

  /**
   * The topics of which all partitions are read. When one of them appears later, or gets more partitions, the input connects anew.
   */
  async #topics(): Promise<readonly string[]> {
    clearInterval(this.#topicsTimer)
    const { topics: named, partitions } = this.#selection
    if (named.length === 0) return []
    const patterns = this.#patterns
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
    const maxAgeMs = this.#config.metadata_max_age ?? 300_000
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
      Math.max(100, isComplete ? maxAgeMs : Math.min(maxAgeMs, missingTopicsMs)),
    )
    return found.map(([topic]) => topic)
  }

  /** Records, none where a batching period ends first, or null at the end. A lost connection throws `NotConnectedError`. */
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

  /** Makes deliveries of records: runs of one partition, as only within a partition there is an order to keep. */
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

  /** What waits to be gathered of a partition that another member has now is for that one to read. */
  async #forgetLost(): Promise<void> {
    for (const [claim, { batcher }] of this.#partitions) {
      if (claim.active) continue
      this.#partitions.delete(claim)
      this.#commits.delete(claim)
      await batcher?.close()
    }
  }

  async #startPartition(claim: Claim): Promise<PartitionState> {
    const policy = this.#config.batching
    const batches = policy.count > 0 || policy.byte_size > 0 || policy.period !== undefined || policy.check !== null
    const state: PartitionState = {
      checkpointer: new Checkpointer(),
      batcher: batches ? await this.#resources.batcher(policy) : null,
      batchedUpTo: 0n,
    }
    this.#partitions.set(claim, state)
    return state
  }

  /** Records that are each a batch of their own, with their partition's progress noted as they are handled. */
  #trackedRun(claim: Claim, state: PartitionState, records: readonly SourceRecord[]): Delivery {
    const done = state.checkpointer.trackEach(records.map(record => record.offset + 1n))
    const commit = this.#committer(claim)
    const messages = records.map(record => this.#message(claim, record))
    let places: Map<Message, number> | undefined
    return deliverEach(messages, (some, error) => {
      // There was no time left for them, so that they are read again.
      if (isClosing(error)) return
      if (some.length === messages.length) return commit(done(messages.keys()))
      places ??= new Map(messages.map((message, place) => [message, place]))
      commit(done(some.map(message => places!.get(message)!)))
    })
  }

  /** The batch, with its partition's progress noted when it was handled. */
  #trackedBatch(claim: Claim, state: PartitionState, batch: Delivery, nextOffset: bigint): Delivery {
    const done = state.checkpointer.track(nextOffset, batch.messages.length)
    const commit = this.#committer(claim)
    return deliverBatch(batch.messages, async error => {
      if (isClosing(error)) return
      await batch.ack(error)
      commit(done())
    })
  }

  /** Takes note of the offset that may be committed. What is refused for good counts as handled. */
  #committer(claim: Claim): (offset: bigint | undefined) => void {
    const source = this.#source
    return offset => {
      source?.wake()
      this.#onProgress?.()
      // Progress on an older connection is void: its partitions may belong to another member by now.
      if (offset !== undefined && claim.active && source === this.#source) this.#commits.set(claim, offset)
    }
  }

  #message({ topic, partition }: Claim, record: SourceRecord): Message {
    const metadata = new Map<string, Value>()
    if (record.key !== null) metadata.set('kafka_key', text(record.key))
    metadata.set('kafka_topic', topic)
    metadata.set('kafka_partition', BigInt(partition))
    metadata.set('kafka_offset', record.offset)
    metadata.set('kafka_timestamp_unix', record.timestamp / 1000n)
    metadata.set('kafka_timestamp_unix_ms', record.timestamp)
    metadata.set('kafka_tombstone_message', record.value === null)
    for (const [name, value] of record.headers) {
      const key = text(name ?? noBytes)
      const header = text(value ?? noBytes)
      if (!this.#config.multi_header) metadata.set(key, header)
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

  /** One commit at a time: a commit that fails because of a rebalance carries that rebalance. */
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
      // What could not be committed is read again after a rebalance; newer offsets go with the next attempt.
      this.#resources.log.error(`Failed to commit offsets: ${explained(error).message}`)
      for (const [claim, offset] of commits) if (!this.#commits.has(claim)) this.#commits.set(claim, offset)
    }
  }
}

function compilePattern(pattern: string): Re2 {
  try {
    return compileRe2(pattern)
  } catch (error) {
    throw new ConfigError(`topics: ${String(error)}`, { cause: error })
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
