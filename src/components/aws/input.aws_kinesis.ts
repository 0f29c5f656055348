import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { KinesisClient, Shard } from '@aws-sdk/client-kinesis'
import { messageOf, fieldsOf } from '../../base/index.ts'
import {
  Arrivals,
  autoReplayNacksField,
  batchingField,
  ConfigError,
  defineInput,
  type Delivery,
  field,
  type Infer,
  type Input,
  parseDuration,
  pause,
  type Resources,
} from '../../engine/index.ts'
import { type Lease, Leases, type LeaseTable, leaseTableField } from './kinesis-leases.ts'
import { type KinesisStream, type ShardOptions, ShardReader } from './kinesis-shard.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

const NO_FAN_OUT = 'Enhanced fan-out of Kinesis is known but not supported by Penstock yet: records are polled'

const config = awsConfig({
  streams: field
    .string(
      'Streams by name or ARN; an element may list several, separated by commas. A colon after the stream selects one shard, as in `foo:shardId-000000000000`, and turns balancing off.',
    )
    .list()
    .examples(['foo', 'arn:aws:kinesis:*:111122223333:stream/my-stream']),
  dynamodb: leaseTableField,
  checkpoint_limit: field.int('The maximum number of messages of a shard in flight.').default(1024),
  auto_replay_nacks: autoReplayNacksField,
  commit_period: field.string('How often the position in a shard is stored and its lease renewed.').default('5s'),
  rebalance_period: field
    .string('How often a client looks for shards that are unassigned, or that another client has too many of.')
    .default('30s')
    .advanced(),
  lease_period: field
    .string('How long a client may fail to renew its leases before it is considered gone.')
    .default('30s')
    .advanced(),
  start_from_oldest: field
    .bool('Whether a shard without a stored position is read from its oldest record or only from new ones.')
    .default(true),
  enhanced_fan_out: field
    .object(
      {
        enabled: field
          .bool('Whether records are received by enhanced fan-out.')
          .unsupported(value => (value === true ? NO_FAN_OUT : undefined))
          .default(false)
          .advanced(),
        consumer_name: field.string('The name of the consumer to register.').default('').advanced(),
        consumer_arn: field.string('The ARN of a consumer that is already registered.').default('').advanced(),
      },
      'Enhanced fan-out, which pushes records to a registered consumer.',
    )
    .lint(value => {
      const { consumer_name: name = '', consumer_arn: arn = '' } = fieldsOf(value)
      return name !== '' && arn !== ''
        ? 'cannot specify both consumer_name and consumer_arn in enhanced_fan_out config'
        : undefined
    })
    .optional()
    .advanced()
    .since('1.16.0'),
  ...sessionFields,
  batching: batchingField,
})

type Config = Infer<typeof config>

export default defineInput({
  name: 'aws_kinesis',
  categories: ['Services', 'AWS'],
  summary: 'Reads records from Kinesis streams, sharing the shards among all clients that use the same table.',
  description: `A DynamoDB table stores which client reads which shard, and the position up to which records were handled. Clients take shards that are unassigned, shards of a client that is gone, and, one at a time, shards of a client that has at least two more than they have. The rows have the original's format, so its processes can share the table.

A shard is read in order, at most \`checkpoint_limit\` messages ahead of what was handled; the stored position is the one before which everything was handled. A shard created by a split or a merge is read once its parents have been read to the end.

Metadata of each message: \`kinesis_stream\`, \`kinesis_shard\`, \`kinesis_partition_key\`, \`kinesis_sequence_number\`.

${credentialsHelp}`,
  config,
  needs: ['network'],
  requires: ['@aws-sdk/client-kinesis', '@aws-sdk/client-dynamodb'],
  create: (options, resources) => new KinesisInput(options, resources),
})

/** A stream to read: all of its shards, or the listed ones. */
interface Wanted {
  readonly id: string
  readonly shards: readonly string[]
}

/** A delivery waiting to be taken. */
interface Offer {
  readonly delivery: Delivery
  readonly taken: () => void
}

const EXPLICIT_RETRY_MS = 1000
/** Added to the time by which the previous client stores its position in a shard that was taken from it. */
const YIELD_GRACE_MS = 1000

class KinesisInput implements Input {
  readonly #config: Config
  readonly #resources: Resources
  readonly #session: AwsSession
  readonly #wanted: readonly Wanted[]
  readonly #clientId: string
  readonly #periods: { readonly commitMs: number; readonly rebalanceMs: number; readonly leaseMs: number }
  readonly #offers = new Arrivals<Offer>()
  readonly #stop = new AbortController()
  /** Shards owned by this client, by stream and shard; null until their reader starts. */
  readonly #readers = new Map<string, ShardReader | null>()
  readonly #running = new Set<Promise<void>>()
  #kinesis: KinesisClient | undefined
  #dynamo: DynamoDBClient | undefined
  #options: ShardOptions | undefined
  /** Aborted to look for shards immediately. */
  #rebalanceNow = new AbortController()

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#session = new AwsSession(options, resources)
    this.#wanted = wantedStreams(options.streams)
    this.#clientId = Buffer.from(resources.host.randomBytes(16)).toString('hex')
    this.#periods = {
      commitMs: periodOf('commit', options.commit_period),
      rebalanceMs: periodOf('rebalance', options.rebalance_period),
      leaseMs: periodOf('lease', options.lease_period),
    }
  }

  async connect(): Promise<void> {
    if (this.#options !== undefined) return
    const library = (await import('@aws-sdk/client-kinesis')).default
    const dynamoLibrary = (await import('@aws-sdk/client-dynamodb')).default
    const client = (this.#kinesis ??= new library.KinesisClient(await this.#session.clientOptions('KINESIS')))
    this.#dynamo ??= new dynamoLibrary.DynamoDBClient(await this.#session.clientOptions('DYNAMODB'))
    const { clock } = this.#resources
    const table = this.#config.dynamodb
    if (table === undefined || table.table === '') throw new ConfigError('dynamodb.table is needed')
    const { commitMs, leaseMs } = this.#periods
    const leases = new Leases(table, {
      library: dynamoLibrary,
      client: this.#dynamo,
      clientId: this.#clientId,
      leaseMs,
      clock,
    })
    await leases.ensureTable()
    const streams: KinesisStream[] = []
    for (const { id } of this.#wanted) {
      const named = id.startsWith('arn:') ? { StreamARN: id } : { StreamName: id }
      const { StreamDescriptionSummary: found } = await client.send(new library.DescribeStreamSummaryCommand(named))
      if (found?.StreamARN === undefined) throw new Error(`stream ${id} was not described`)
      streams.push({ id, arn: found.StreamARN })
    }
    this.#options = {
      library,
      client,
      leases,
      resources: this.#resources,
      checkpointLimit: this.#config.checkpoint_limit,
      commitMs,
      startsAtOldest: this.#config.start_from_oldest,
      newBatcher: () => this.#newBatcher(),
      deliver: (delivery, signal) => this.#offer(delivery, signal),
    }
    this.#spawn(this.#watchShards(streams, this.#options))
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const offers = await this.#offers.take(1, signal)
    if (offers === null) return null
    const [{ delivery, taken }] = offers as readonly [Offer] // exactly one was requested
    taken()
    return delivery
  }

  /** Releases the shards with their final positions, so that other clients can take over immediately. */
  async close(): Promise<void> {
    this.#stop.abort()
    while (this.#running.size > 0) await Promise.all(this.#running)
    for (const reader of this.#readers.values()) {
      await reader?.release().catch((error: unknown) => {
        this.#resources.log.error(`Failed to store final checkpoint: ${messageOf(error)}`)
      })
    }
    this.#kinesis?.destroy()
    this.#dynamo?.destroy()
  }

  async #newBatcher() {
    const { batching: policy } = this.#config
    const isActive = policy.count > 0 || policy.byte_size > 0 || policy.period !== undefined || policy.check !== null
    return isActive ? this.#resources.batcher(policy) : null
  }

  /** Each shard has at most one delivery waiting. */
  #offer(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const taken = () => {
      signal.removeEventListener('abort', taken)
      resolve()
    }
    signal.addEventListener('abort', taken)
    this.#offers.put({ delivery, taken })
    return promise
  }

  #spawn(work: Promise<void>): void {
    const noted = work
      .catch((error: unknown) => this.#resources.log.error(`Kinesis: ${messageOf(error)}`))
      .finally(() => this.#running.delete(noted))
    this.#running.add(noted)
  }

  async #watchShards(streams: readonly KinesisStream[], options: ShardOptions): Promise<void> {
    const signal = this.#stop.signal
    const areExplicit = this.#wanted.some(({ shards }) => shards.length > 0)
    while (!signal.aborted) {
      let isIncomplete = false
      for (const stream of streams) {
        const { shards } = this.#wanted.find(({ id }) => id === stream.id)!
        try {
          if (areExplicit) isIncomplete = !(await this.#claimNamed(stream, shards, options)) || isIncomplete
          else await this.#balance(stream, options)
        } catch (error) {
          isIncomplete = true
          if (!signal.aborted) {
            this.#resources.log.error(`Failed to obtain stream '${stream.id}' shards or claims: ${messageOf(error)}`)
          }
        }
      }
      if (areExplicit && !isIncomplete) return
      this.#rebalanceNow = new AbortController()
      await pause(
        areExplicit ? EXPLICIT_RETRY_MS : this.#periods.rebalanceMs,
        AbortSignal.any([signal, this.#rebalanceNow.signal]),
      )
    }
  }

  /** Claims the shards listed in the configuration; returns false if some could not be claimed yet. */
  async #claimNamed(stream: KinesisStream, shards: readonly string[], options: ShardOptions): Promise<boolean> {
    let hasAll = true
    for (const shardId of shards) {
      if (this.#readers.has(nameOf(stream, shardId))) continue
      const { byClient } = await options.leases.of(stream.id)
      const owner = ownerOf(byClient, shardId)
      // A client that vanished leaves its lease behind.
      const isStale = owner !== undefined && this.#isOver(owner.lease)
      hasAll = (await this.#claim(stream, shardId, isStale ? owner.client : undefined, options)) && hasAll
    }
    return hasAll
  }

  async #balance(stream: KinesisStream, options: ShardOptions): Promise<void> {
    const shards = await shardsOf(stream, options)
    const table = await options.leases.of(stream.id)
    const free = this.#freeShards(stream, shards, table)
    for (const [shardId, from] of free) {
      if (this.#stop.signal.aborted) return
      await this.#claim(stream, shardId, from, options)
    }
    // Shards are stolen only when none is free.
    if (free.size > 0) return
    const own = table.byClient.get(this.#clientId)?.length ?? 0
    for (const [client, leases] of table.byClient) {
      if (client === this.#clientId || leases.length <= own + 1) continue
      const chosen = leases[Math.floor(this.#resources.host.random() * leases.length)]!
      if (await this.#claim(stream, chosen.shardId, client, options)) return
    }
  }

  /** Unread shards, each with the vanished client that owned it, if any. */
  #freeShards(
    stream: KinesisStream,
    shards: readonly Shard[],
    { known, byClient }: LeaseTable,
  ): ReadonlyMap<string, string | undefined> {
    const free = new Map<string, string | undefined>()
    const present = new Set(shards.map(({ ShardId }) => ShardId))
    for (const shard of shards) {
      const shardId = shard.ShardId!
      // A closed shard without a row was read to its end.
      if (isClosed(shard) && !known.has(shardId)) continue
      const parents = [shard.ParentShardId, shard.AdjacentParentShardId].filter(parent => parent !== undefined)
      if (parents.some(parent => present.has(parent) && known.has(parent))) continue
      const owner = ownerOf(byClient, shardId)
      if (owner === undefined) free.set(shardId, undefined)
      else if (owner.client === this.#clientId) {
        // A reader that ended with an error leaves its lease behind.
        if (!this.#readers.has(nameOf(stream, shardId))) free.set(shardId, owner.client)
      } else if (this.#isOver(owner.lease)) free.set(shardId, owner.client)
    }
    return free
  }

  /** Whether a client has failed to renew a lease for so long that it counts as gone. */
  #isOver({ until }: Lease): boolean {
    return this.#resources.clock.now() - until > this.#periods.leaseMs
  }

  async #claim(
    stream: KinesisStream,
    shardId: string,
    from: string | undefined,
    options: ShardOptions,
  ): Promise<boolean> {
    const { leases } = options
    const claim = await leases.claim(stream.id, shardId, from)
    if (claim === null) return false
    this.#resources.log.debug(`Consuming stream '${stream.id}' shard '${shardId}' as client '${this.#clientId}'`)
    this.#readers.set(nameOf(stream, shardId), null)
    this.#spawn(this.#readShard(stream, shardId, claim.sequence, claim.formerLeaseUntil, options))
    return true
  }

  async #readShard(
    stream: KinesisStream,
    shardId: string,
    sequence: string,
    formerLeaseUntil: number,
    options: ShardOptions,
  ): Promise<void> {
    const signal = this.#stop.signal
    const name = nameOf(stream, shardId)
    let start = sequence
    const forget = (error: unknown) => {
      this.#readers.delete(name)
      throw error
    }
    const { commitMs, leaseMs } = this.#periods
    const now = this.#resources.clock.now()
    if (formerLeaseUntil > now) {
      // The previous client is still reading. It notices the loss when it next stores its position, and then reports
      // how far it got.
      await pause(formerLeaseUntil - leaseMs + commitMs + YIELD_GRACE_MS - now, signal)
      if (!signal.aborted) start = await options.leases.sequenceOf(stream.id, shardId).catch(forget)
    }
    const reader = new ShardReader(stream, shardId, start, options)
    this.#readers.set(name, reader)
    const end = await reader.run(signal).catch(forget)
    if (end === 'stopped') return
    this.#readers.delete(name)
    // The shard's children may be free now.
    if (end === 'finished') this.#rebalanceNow.abort()
  }
}

function nameOf({ id }: KinesisStream, shardId: string): string {
  return `${id} ${shardId}`
}

function ownerOf(
  byClient: LeaseTable['byClient'],
  shardId: string,
): { readonly client: string; readonly lease: Lease } | undefined {
  for (const [client, leases] of byClient) {
    const lease = leases.find(each => each.shardId === shardId)
    if (lease !== undefined) return { client, lease }
  }
  return undefined
}

async function shardsOf({ arn }: KinesisStream, { library, client }: ShardOptions): Promise<readonly Shard[]> {
  const shards: Shard[] = []
  let token: string | undefined
  do {
    const from = token === undefined ? { StreamARN: arn } : { NextToken: token }
    const { Shards = [], NextToken } = await client.send(new library.ListShardsCommand(from))
    shards.push(...Shards)
    token = NextToken
  } while (token !== undefined)
  return shards
}

function isClosed({ SequenceNumberRange }: Shard): boolean {
  const end = SequenceNumberRange?.EndingSequenceNumber
  return end !== undefined && end !== 'null'
}

function wantedStreams(texts: readonly string[]): readonly Wanted[] {
  const byId = new Map<string, string[]>()
  let balanced = 0
  for (const text of texts.flatMap(each => each.split(',')).map(each => each.trim())) {
    if (text === '') continue
    const { stream, shard } = parseStream(text)
    byId.set(stream, [...(byId.get(stream) ?? []), ...(shard === '' ? [] : [shard])])
    if (shard === '') balanced++
    if (balanced > 0 && [...byId.values()].some(shards => shards.length > 0)) {
      throw new ConfigError(
        'it is not currently possible to include balanced and explicit shard streams in the same kinesis input',
      )
    }
  }
  return [...byId].map(([id, shards]) => ({ id, shards }))
}

/** Parses `name`, `name:shard`, or the same after the slash of an ARN. */
function parseStream(text: string): { readonly stream: string; readonly shard: string } {
  const slash = text.lastIndexOf('/')
  const [name = '', shard = '', ...more] = text.slice(slash + 1).split(':')
  if (more.length > 0) {
    throw new ConfigError(
      `stream '${text}' is invalid, only one shard should be specified and the same stream can be listed multiple times, e.g. use \`foo:0,foo:1\` not \`foo:0:1\``,
    )
  }
  return { stream: text.slice(0, slash + 1) + name.trim(), shard: shard.trim() }
}

function periodOf(name: string, text: string): number {
  try {
    return parseDuration(text)
  } catch (cause) {
    throw new ConfigError(`failed to parse ${name} period string: ${messageOf(cause)}`, { cause })
  }
}
