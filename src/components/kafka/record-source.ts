import { Admin, type BaseOptions, Consumer, type ConsumerOptions, type MessagesStream } from '@platformatic/kafka'

/** A record as it came from a cluster. An absent value is a tombstone. */
export interface SourceRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly timestamp: bigint
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array | undefined
  readonly headers: readonly (readonly [Uint8Array | null, Uint8Array | null])[]
}

/** Records of a selection of partitions, in the order of each partition. */
export interface RecordSource {
  /**
   * The next records, at least one, or null when the signal aborts first. Throws where the connection is lost; nothing that was
   * fetched before is lost by that.
   */
  read(maxRecords: number, signal: AbortSignal): Promise<readonly SourceRecord[] | null>
  /** Notes that everything of the partition before `offset` was handled. Does nothing where offsets are not kept. */
  commit(offsets: readonly CommittedOffset[]): Promise<void>
  close(): Promise<void>
}

export interface CommittedOffset {
  readonly topic: string
  readonly partition: number
  /** The offset to go on from. */
  readonly offset: bigint
}

type ClientOptions = ConsumerOptions<Buffer, Buffer, Buffer, Buffer>

/** Reads what a consumer group assigns to this member. */
export class GroupSource implements RecordSource {
  readonly #consumer: Consumer
  readonly #stream: MessagesStream<Buffer, Buffer, Buffer, Buffer>
  #failure: Error | null = null
  #ended = false
  #wake: (() => void) | null = null

  private constructor(consumer: Consumer, stream: MessagesStream<Buffer, Buffer, Buffer, Buffer>) {
    this.#consumer = consumer
    this.#stream = stream
    const wake = () => this.#wake?.()
    stream.on('readable', wake)
    stream.on('error', error => {
      this.#failure ??= error
      wake()
    })
    stream.on('end', () => {
      this.#ended = true
      wake()
    })
    consumer.on('consumer:heartbeat:error', ({ error }) => {
      // The client rejoins by itself; only what it gives up on ends the stream, and that arrives there.
      if (this.#stream.destroyed) this.#failure ??= error
      wake()
    })
  }

  static async open(
    options: ClientOptions,
    topics: readonly string[],
    fallback: 'earliest' | 'latest' | 'fail',
  ): Promise<GroupSource> {
    const consumer = new Consumer(options)
    try {
      const stream = await consumer.consume({
        topics: [...topics],
        mode: 'committed',
        fallbackMode: fallback,
        autocommit: false,
      })
      return new GroupSource(consumer, stream)
    } catch (error) {
      await closeQuietly(consumer)
      throw error
    }
  }

  async read(maxRecords: number, signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    for (;;) {
      const records: SourceRecord[] = []
      while (records.length < maxRecords) {
        const message = this.#stream.read()
        if (message === null) break
        records.push({
          topic: message.topic,
          partition: message.partition,
          offset: message.offset,
          timestamp: message.timestamp,
          key: message.key,
          value: message.value,
          headers: message.headerEntries,
        })
      }
      if (records.length > 0) return records
      if (this.#failure !== null) throw this.#failure
      if (signal.aborted) return null
      if (this.#ended) throw new Error('the connection was closed')
      await this.#readable(signal)
    }
  }

  async commit(offsets: readonly CommittedOffset[]): Promise<void> {
    if (offsets.length === 0) return
    await this.#consumer.commit({ offsets: offsets.map(offset => ({ ...offset, leaderEpoch: -1 })) })
  }

  async close(): Promise<void> {
    await closeQuietly(this.#stream)
    await closeQuietly(this.#consumer)
  }

  #readable(signal: AbortSignal): Promise<void> {
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

/** The names of all topics of a cluster. */
export async function listTopics(options: BaseOptions): Promise<readonly string[]> {
  const { clientId, bootstrapBrokers, tls, sasl } = options
  const admin = new Admin({ clientId, bootstrapBrokers, ...(tls && { tls }), ...(sasl && { sasl }) })
  try {
    return await admin.listTopics()
  } finally {
    await closeQuietly(admin)
  }
}

/** Topic → partition → where to start: an offset, or the end of the log to start from. */
export type StartOffsets = ReadonlyMap<string, ReadonlyMap<number, bigint | undefined> | 'all'>

interface Position {
  readonly topic: string
  readonly partition: number
  next: bigint
}

/** Reads partitions without any group. Offsets are not kept. */
export class PartitionSource implements RecordSource {
  readonly #consumer: Consumer
  readonly #positions: readonly Position[]
  #ready: SourceRecord[] = []

  private constructor(consumer: Consumer, positions: readonly Position[]) {
    this.#consumer = consumer
    this.#positions = positions
  }

  static async open(
    options: Omit<ClientOptions, 'groupId'>,
    starts: StartOffsets,
    fallback: 'earliest' | 'latest',
  ): Promise<PartitionSource> {
    // The library wants a group's name even of a client that never joins one.
    const consumer = new Consumer({ ...options, groupId: 'none' } as ClientOptions)
    try {
      const topics = [...starts.keys()]
      for (const topic of topics) consumer.topics.track(topic)
      const metadata = await consumer.metadata({ topics })
      const positions: Position[] = []
      for (const [topic, partitions] of starts) {
        const count = metadata.topics.get(topic)?.partitionsCount ?? 0
        const chosen = partitions === 'all' ? allPartitions(count) : partitions
        const defaults = await consumer.listOffsets({
          topics: [topic],
          partitions: { [topic]: [...chosen.keys()] },
          timestamp: fallback === 'earliest' ? -2n : -1n,
        })
        for (const [partition, offset] of chosen) {
          positions.push({ topic, partition, next: offset ?? defaults.get(topic)?.[partition] ?? 0n })
        }
      }
      return new PartitionSource(consumer, positions)
    } catch (error) {
      await closeQuietly(consumer)
      throw error
    }
  }

  async read(maxRecords: number, signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    while (this.#ready.length === 0) {
      if (signal.aborted) return null
      await abortable(this.#fetch(), signal)
    }
    return this.#ready.splice(0, maxRecords)
  }

  commit(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return closeQuietly(this.#consumer)
  }

  async #fetch(): Promise<void> {
    const metadata = await this.#consumer.metadata({ topics: [...new Set(this.#positions.map(({ topic }) => topic))] })
    const byNode = new Map<number, Position[]>()
    for (const position of this.#positions) {
      const leader = metadata.topics.get(position.topic)?.partitions[position.partition]?.leader
      if (leader === undefined) throw new Error(`partition ${position.topic}:${position.partition} does not exist`)
      const positions = byNode.get(leader) ?? []
      byNode.set(leader, positions)
      positions.push(position)
    }
    await Promise.all(
      [...byNode].map(async ([node, positions]) => {
        const topics = positions.map(({ topic, partition, next }) => ({
          topicId: metadata.topics.get(topic)!.id,
          partitions: [
            {
              partition,
              fetchOffset: next,
              currentLeaderEpoch: -1,
              lastFetchedEpoch: -1,
              partitionMaxBytes: 1_048_576,
            },
          ],
        }))
        const response = await this.#consumer.fetch({ node, topics })
        const names = new Map(positions.map(({ topic }) => [metadata.topics.get(topic)!.id, topic]))
        for (const { topicId, partitions } of response.responses) {
          for (const { partitionIndex, records } of partitions) {
            const position = positions.find(
              ({ topic, partition }) => topic === names.get(topicId) && partition === partitionIndex,
            )
            if (position !== undefined) this.#take(position, records ?? [])
          }
        }
      }),
    )
  }

  #take(
    position: Position,
    batches: NonNullable<Awaited<ReturnType<Consumer['fetch']>>['responses'][number]['partitions'][number]['records']>,
  ): void {
    const { topic, partition } = position
    const controlBit = 0x20
    for (const batch of batches) {
      if ((batch.attributes & controlBit) === 0) {
        for (const record of batch.records) {
          const offset = batch.firstOffset + BigInt(record.offsetDelta)
          if (offset < position.next) continue
          this.#ready.push({
            topic,
            partition,
            offset,
            timestamp: batch.firstTimestamp + record.timestampDelta,
            key: record.key ?? undefined,
            value: record.value ?? undefined,
            headers: record.headers,
          })
        }
      }
      position.next = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
    }
  }
}

function allPartitions(count: number): ReadonlyMap<number, undefined> {
  return new Map(Array.from({ length: count }, (_, partition) => [partition, undefined]))
}

/** What goes wrong while closing is of no use to anybody: the connection is gone either way. */
async function closeQuietly(closable: { close(): Promise<unknown> }): Promise<void> {
  await closable.close().catch(() => undefined)
}

/** Settles with the promise, or as soon as the signal aborts; what the promise does later is its own affair. */
function abortable(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
