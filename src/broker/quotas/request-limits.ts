import { ErrorCode, KafkaError } from '../../kafka/index.ts'
import type { QuotaClient, Quotas, Usage } from './quotas.ts'

/** The quotas of a request's client, and how long the client must wait because of the request. */
export class RequestLimits {
  readonly #quotas: Quotas
  readonly #client: QuotaClient
  #throttleMs = 0

  constructor(quotas: Quotas, client: QuotaClient) {
    this.#quotas = quotas
    this.#client = client
  }

  /** For how many milliseconds the client must wait. */
  get throttleMs(): number {
    return this.#throttleMs
  }

  /** Counts what the request used. */
  use(usage: Usage): void {
    this.#throttleMs = Math.max(this.#throttleMs, this.#quotas.use(this.#client, usage))
  }

  /**
   * Requests the creation or deletion of partitions; throws THROTTLING_QUOTA_EXCEEDED if it is not allowed (KIP-599).
   */
  mutate(partitions: number): void {
    const throttleMs = this.#quotas.mutate(this.#client, partitions)
    if (throttleMs === 0) return
    this.#throttleMs = Math.max(this.#throttleMs, throttleMs)
    throw new KafkaError(ErrorCode.THROTTLING_QUOTA_EXCEEDED, 'The quota of partition changes is exceeded.')
  }
}
