import type { Clock } from '../../base/index.ts'
import type { ClusterSettings } from '../settings.ts'
import { entityText, type QuotaEntity } from './entity.ts'

/** Who is limited. */
export interface QuotaClient {
  readonly user: string
  readonly clientId: string
}

/** What one request used of the quotas of its client. */
export interface Usage {
  readonly producedBytes?: number
  readonly fetchedBytes?: number
  /** The time in which the event loop did nothing else, in milliseconds. */
  readonly busyMs?: number
}

/** Like Kafka's ten samples of a second: a client that was idle may use ten seconds' worth at once. */
const BURST_SECONDS = 10
/** Clients take a longer silence for a broken connection. */
const MAX_THROTTLE_MS = 20_000
/** So many buckets are kept before those that are full, as if they were new, are dropped. */
const MAX_BUCKETS = 10_000

interface Bucket {
  readonly perSecond: number
  /** Negative when more was used than the quota gives. */
  left: number
  /** In monotonic milliseconds. */
  updatedAt: number
}

/**
 * Limits what clients use (KIP-13, KIP-124, KIP-599, KIP-612). Each broker limits on its own, as in Kafka. A client that
 * used more than its quota gives is answered and then not read from until the quota has made up for it.
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

  /** Whether there is any quota, so that anything has to be counted. */
  get areSet(): boolean {
    if (this.#version !== this.#settings.version) this.#adopt()
    return this.#limits.size > 0
  }

  /** Counts what a request used. Returns for how many milliseconds its client has to wait; 0 for not at all. */
  use(client: QuotaClient, { producedBytes = 0, fetchedBytes = 0, busyMs = 0 }: Usage): number {
    if (!this.areSet) return 0
    return Math.max(
      this.#use('producer_byte_rate', client, producedBytes),
      this.#use('consumer_byte_rate', client, fetchedBytes),
      // 100 percent are one second of the event loop a second.
      this.#use('request_percentage', client, busyMs / 10),
    )
  }

  /**
   * Asks for the creation or deletion of partitions. Returns 0 when it is allowed, else for how many milliseconds the
   * client has to wait. It is allowed as long as anything is left, as in Kafka, however much it is.
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

  /** Counts a new connection. Returns for how many milliseconds it has to wait. */
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

  /** The most special quota decides; whom it does not tell from others shares it with them only by name. */
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

/** The entities whose quotas a client may have, the most special first (KIP-55). */
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
