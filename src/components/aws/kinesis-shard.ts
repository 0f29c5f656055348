import type { _Record as KinesisRecord, KinesisClient } from '@aws-sdk/client-kinesis'
import { messageOf } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import {
  Backoff,
  type Batcher,
  deliverBatch,
  deliverEach,
  type Delivery,
  isClosing,
  Message,
  pause,
  type Resources,
} from '../../engine/index.ts'
import { Checkpointer } from '../kafka/checkpointer.ts'
import type { Leases } from './kinesis-leases.ts'

/** A stream as configured, and its ARN. */
export interface KinesisStream {
  readonly id: string
  readonly arn: string
}

/** What all shards of an input share. */
export interface ShardOptions {
  readonly library: typeof import('@aws-sdk/client-kinesis')
  readonly client: KinesisClient
  readonly leases: Leases
  readonly resources: Resources
  readonly checkpointLimit: number
  readonly commitMs: number
  readonly startsAtOldest: boolean
  /** Creates a batcher, or null if batching is not configured. */
  newBatcher(): Promise<Batcher | null>
  /** Hands on a delivery; resolves once it was taken, or when the signal aborts. */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<void>
}

/** Why reading of a shard ended: it has no more records, another client took it, or the input is stopping. */
export type ShardEnd = 'finished' | 'stolen' | 'stopped'

const FIRST_PAUSE_MS = 300
const LONGEST_PAUSE_MS = 5000
const MAX_RECORDS = 10_000

/** Reads one shard and checkpoints the position up to which it was handled. */
export class ShardReader {
  readonly #stream: KinesisStream
  readonly #shardId: string
  readonly #options: ShardOptions
  readonly #checkpointer = new Checkpointer()
  readonly #stop = new AbortController()
  /** The newest sequence number read, and the newest one before which everything was handled. */
  #readUpTo: string
  #handledUpTo: string
  #batchedUpTo = 0n
  /** Called when messages were handled. */
  #onHandled = (): void => undefined

  constructor(stream: KinesisStream, shardId: string, sequence: string, options: ShardOptions) {
    this.#stream = stream
    this.#shardId = shardId
    this.#options = options
    this.#readUpTo = sequence
    this.#handledUpTo = sequence
  }

  /** Reads until everything in a finished shard was handled, another client took it, or the signal aborts. */
  async run(signal: AbortSignal): Promise<ShardEnd> {
    const { leases, resources } = this.#options
    const { id } = this.#stream
    const both = AbortSignal.any([signal, this.#stop.signal])
    let isStolen = false
    const renewing = this.#renew(both).then(stillOwned => {
      isStolen = !stillOwned
      if (isStolen) this.#stop.abort()
    })
    let isAtEnd = false
    try {
      isAtEnd = await this.#read(both)
      if (isAtEnd) await this.#allHandled(both)
    } finally {
      this.#stop.abort()
      await renewing
    }
    const isDone = isAtEnd && this.#checkpointer.pendingMessages === 0
    const end = isStolen ? 'stolen' : isDone ? 'finished' : 'stopped'
    resources.log.debug(`Closing stream '${id}' shard '${this.#shardId}': ${end}`)
    if (end === 'finished') await leases.delete(id, this.#shardId)
    else if (end === 'stolen') await leases.yield(id, this.#shardId, this.#handledUpTo)
    return end
  }

  /** Stores the final position and releases the lease; to be called once nothing more will be handled. */
  async release(): Promise<void> {
    await this.#options.leases.checkpoint(this.#stream.id, this.#shardId, this.#handledUpTo, true)
  }

  /** Returns whether the shard reached its end. */
  async #read(signal: AbortSignal): Promise<boolean> {
    const { library, client, resources, checkpointLimit } = this.#options
    const batcher = await this.#options.newBatcher()
    const backoff = new Backoff({ initialMs: FIRST_PAUSE_MS, maxMs: LONGEST_PAUSE_MS }, () => resources.host.random())
    let iterator: string | undefined
    try {
      while (!signal.aborted) {
        const room = checkpointLimit - this.#checkpointer.pendingMessages - (batcher?.size ?? 0)
        if (room <= 0) {
          await this.#deliverDue(batcher, signal)
          await this.#handled(signal, batcher?.untilDue())
          continue
        }
        try {
          iterator ??= await this.#iterator(signal)
          const { Records = [], NextShardIterator } = await client.send(
            new library.GetRecordsCommand({
              StreamARN: this.#stream.arn,
              ShardIterator: iterator,
              Limit: Math.min(MAX_RECORDS, room),
            }),
            { abortSignal: signal },
          )
          iterator = NextShardIterator
          if (Records.length > 0) await this.#deliver(Records, batcher, signal)
          await this.#deliverDue(batcher, signal)
          if (iterator === undefined) {
            for (const rest of (await batcher?.flush()) ?? []) await this.#deliverBatch(rest, signal)
            return true
          }
          if (Records.length > 0) {
            backoff.reset()
            continue
          }
        } catch (error) {
          if (signal.aborted) return false
          // Continue after what was read, since that is still in flight.
          if (error instanceof library.ExpiredIteratorException) iterator = undefined
          resources.log.error(
            `Failed to pull Kinesis records of stream '${this.#stream.id}' shard '${this.#shardId}': ${messageOf(error)}`,
          )
        }
        await pause(Math.min(backoff.next() ?? LONGEST_PAUSE_MS, batcher?.untilDue() ?? Infinity), signal)
        await this.#deliverDue(batcher, signal)
      }
      return false
    } finally {
      await batcher?.close()
    }
  }

  async #iterator(signal: AbortSignal): Promise<string> {
    const { library, client, startsAtOldest } = this.#options
    const shard = { StreamARN: this.#stream.arn, ShardId: this.#shardId }
    const place =
      this.#readUpTo === ''
        ? ({ ShardIteratorType: startsAtOldest ? 'TRIM_HORIZON' : 'LATEST' } as const)
        : ({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: this.#readUpTo } as const)
    const { ShardIterator } = await client.send(new library.GetShardIteratorCommand({ ...shard, ...place }), {
      abortSignal: signal,
    })
    if (!ShardIterator) throw new Error('failed to obtain shard iterator')
    return ShardIterator
  }

  async #deliver(records: readonly KinesisRecord[], batcher: Batcher | null, signal: AbortSignal): Promise<void> {
    const messages = records.map(record => this.#message(record))
    this.#readUpTo = records.at(-1)!.SequenceNumber ?? this.#readUpTo
    if (batcher === null) return this.#options.deliver(this.#trackedRun(messages, records), signal)
    for (const [index, message] of messages.entries()) {
      this.#batchedUpTo = BigInt(records[index]!.SequenceNumber ?? 0)
      for (const batch of await batcher.add(deliverEach([message]))) await this.#deliverBatch(batch, signal)
    }
  }

  /** Delivers the messages waiting in the batcher when its period has ended. */
  async #deliverDue(batcher: Batcher | null, signal: AbortSignal): Promise<void> {
    if (batcher === null || batcher.size === 0 || (batcher.untilDue() ?? Infinity) > 0) return
    for (const batch of await batcher.flush()) await this.#deliverBatch(batch, signal)
  }

  #deliverBatch(batch: Delivery, signal: AbortSignal): Promise<void> {
    const done = this.#checkpointer.track(this.#batchedUpTo, batch.messages.length)
    const tracked = deliverBatch(batch.messages, async error => {
      if (isClosing(error)) return
      await batch.ack(error)
      this.#note(done())
    })
    return this.#options.deliver(tracked, signal)
  }

  #trackedRun(messages: readonly Message[], records: readonly KinesisRecord[]): Delivery {
    const done = this.#checkpointer.trackEach(records.map(({ SequenceNumber }) => BigInt(SequenceNumber ?? 0)))
    const places = new Map(messages.map((message, place) => [message, place]))
    return deliverEach(messages, (some, error) => {
      // On closing, unhandled messages are left to be read again. Permanently refused messages count as handled.
      if (isClosing(error)) return
      this.#note(done(some.map(message => places.get(message)!)))
    })
  }

  #note(sequence: bigint | undefined): void {
    if (sequence !== undefined) this.#handledUpTo = String(sequence)
    this.#onHandled()
  }

  /** Resolves when some messages were handled, after `ms` milliseconds, or when the signal aborts. */
  async #handled(signal: AbortSignal, ms = LONGEST_PAUSE_MS): Promise<void> {
    const done = new AbortController()
    this.#onHandled = () => done.abort()
    await pause(ms, AbortSignal.any([signal, done.signal]))
  }

  async #allHandled(signal: AbortSignal): Promise<void> {
    while (this.#checkpointer.pendingMessages > 0 && !signal.aborted) await this.#handled(signal)
  }

  /** Renews the lease until the signal aborts; returns false if another client took it, otherwise true. */
  async #renew(signal: AbortSignal): Promise<boolean> {
    const { leases, commitMs, resources } = this.#options
    for (;;) {
      await pause(commitMs, signal)
      if (signal.aborted) return true
      try {
        if (!(await leases.checkpoint(this.#stream.id, this.#shardId, this.#handledUpTo, false))) return false
      } catch (error) {
        resources.log.error(
          `Failed to store checkpoint for Kinesis stream '${this.#stream.id}' shard '${this.#shardId}': ${messageOf(error)}`,
        )
      }
    }
  }

  #message({ Data = new Uint8Array(), PartitionKey, SequenceNumber = '' }: KinesisRecord): Message {
    const metadata = new Map<string, Value>([
      ['kinesis_stream', this.#stream.id],
      ['kinesis_shard', this.#shardId],
    ])
    if (PartitionKey !== undefined) metadata.set('kinesis_partition_key', PartitionKey)
    metadata.set('kinesis_sequence_number', SequenceNumber)
    return Message.fromBytes(Data, metadata)
  }
}
