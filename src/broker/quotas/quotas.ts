import type { Clock } from '../../base/index.ts'
import type { ClusterSettings } from '../settings.ts'
import { entityText, type QuotaEntity } from './entity.ts'

/** Identifies the client to be limited. */
export interface QuotaClient {
  readonly user: string
  readonly clientId: string
}

/** What one request used of its client's quotas. */
export interface Usage {
  readonly producedBytes?: number
  readonly fetchedBytes?: number
  /** Time for which the request blocked the event loop, in milliseconds. */
  readonly busyMs?: number
}

/** Like Kafka's ten one-second samples: a client that was idle may use ten seconds' worth immediately. */
const BURST_SECONDS = 10
/** Clients take a longer silence, in milliseconds, for a broken connection. */
const MAX_THROTTLE_MS = 20_000
/** At this many buckets, full ones are dropped; a full bucket is equivalent to a new one. */
const MAX_BUCKETS = 10_000

interface Bucket {
  readonly perSecond: number
  /** Negative if more was used than the quota allows. */
  left: number
  /** In monotonic milliseconds. */
  updatedAt: number
}

/**
 * Limits what clients use (KIP-13, KIP-124, KIP-599, KIP-612). Each broker limits independently, as in Kafka. A client
 * that exceeds its quota is answered, and then not read from until the quota has caught up.
 */
export class Quotas {
  readonly #settings: ClusterSettings
  readonly #clock: Clock
  #version = -1
  #limits: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map()
  readonly #buckets = new Map<string, Bucket>()

  constructor(settings: ClusterSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** Whether there is any quota, and so anything to count. */
  get areSet(): boolean {
    if (this.#version !== this.#settings.version) this.#adopt()
    return this.#limits.size > 0
  }

  /** Counts what a request used. Returns for how many milliseconds its client must wait; 0 if it need not. */
  use(client: QuotaClient, { producedBytes = 0, fetchedBytes = 0, busyMs = 0 }: Usage): number {
    if (!this.areSet) return 0
    return Math.max(
      this.#use('producer_byte_rate', client, producedBytes),
      this.#use('consumer_byte_rate', client, fetchedBytes),
      // 100 percent is one second of the event loop per second.
      this.#use('request_percentage', client, busyMs / 10),
    )
  }

  /**
   * Requests the creation or deletion of partitions. Returns 0 if it is allowed, otherwise for how many milliseconds
   * the client must wait. As in Kafka, any number is allowed while the quota is not used up.
   */
  mutate(client: QuotaClient, partitions: number): number {
    if (!this.areSet) return 0
    const bucket = this.#bucketOf('controller_mutation_rate', client)
    if (bucket === undefined) return 0
    this.#refill(bucket)
    if (bucket.left < 0) return throttleMs(bucket)
    bucket.left -= partitions
    return 0
  }

  /** Counts a new connection. Returns for how many milliseconds it must wait. */
  connect(address: string): number {
    if (!this.areSet) return 0
    const key = 'connection_creation_rate'
    for (const ip of [address, null]) {
      const limit = this.#limits.get(entityText({ ip }))?.[key]
      if (limit !== undefined) return this.#take(this.#bucket(`${key} ${address}`, Number(limit)), 1)
    }
    return 0
  }

  #use(key: string, client: QuotaClient, amount: number): number {
    if (amount === 0) return 0
    const bucket = this.#bucketOf(key, client)
    return bucket === undefined ? 0 : this.#take(bucket, amount)
  }

  #take(bucket: Bucket, amount: number): number {
    this.#refill(bucket)
    bucket.left -= amount
    return bucket.left < 0 ? throttleMs(bucket) : 0
  }

  /** The bucket of the most specific quota. Clients that its entity does not distinguish share the bucket. */
  #bucketOf(key: string, { user, clientId }: QuotaClient): Bucket | undefined {
    for (const entity of precedence(user, clientId)) {
      const limit = this.#limits.get(entityText(entity))?.[key]
      if (limit === undefined) continue
      const owner = [entity.user === undefined ? '' : user, entity['client-id'] === undefined ? '' : clientId]
      return this.#bucket(`${key} ${JSON.stringify(owner)}`, Number(limit))
    }
    return undefined
  }

  #bucket(name: string, perSecond: number): Bucket {
    let bucket = this.#buckets.get(name)
    if (bucket?.perSecond === perSecond) return bucket
    if (this.#buckets.size >= MAX_BUCKETS) this.#dropFull()
    bucket = { perSecond, left: perSecond * BURST_SECONDS, updatedAt: this.#clock.monotonic() }
    this.#buckets.set(name, bucket)
    return bucket
  }

  #refill(bucket: Bucket): void {
    const now = this.#clock.monotonic()
    const gained = ((now - bucket.updatedAt) / 1000) * bucket.perSecond
    bucket.left = Math.min(bucket.perSecond * BURST_SECONDS, bucket.left + gained)
    bucket.updatedAt = now
  }

  #dropFull(): void {
    for (const [name, bucket] of this.#buckets) {
      this.#refill(bucket)
      if (bucket.left === bucket.perSecond * BURST_SECONDS) this.#buckets.delete(name)
    }
  }

  #adopt(): void {
    this.#version = this.#settings.version
    this.#limits = this.#settings.all('quota')
  }
}

/** The entities whose quotas apply to a client, most specific first (KIP-55). */
function precedence(user: string, clientId: string): QuotaEntity[] {
  return [
    { user, 'client-id': clientId },
    { user, 'client-id': null },
    { user },
    { user: null, 'client-id': clientId },
    { user: null, 'client-id': null },
    { user: null },
    { 'client-id': clientId },
    { 'client-id': null },
  ]
}

function throttleMs({ left, perSecond }: Bucket): number {
  return Math.min(MAX_THROTTLE_MS, Math.ceil((-left / perSecond) * 1000))
}
