import { ErrorCode, KafkaError } from '../../kafka/index.ts'
import type { QuotaClient, Quotas, Usage } from './quotas.ts'

/** The quotas of the client that sent one request, and how long it has to wait because of that request. */
export class RequestLimits {
  readonly #quotas: Quotas
  readonly #client: QuotaClient
  #throttleMs = 0

  constructor(quotas: Quotas, client: QuotaClient) {
    this.#quotas = quotas
    this.#client = client
  }

  /** For how many milliseconds the client has to wait. */
  get throttleMs(): number {
    return this.#throttleMs
  }

  /** Counts what the request used. */
  use(usage: Usage): void {
    this.#throttleMs = Math.max(this.#throttleMs, this.#quotas.use(this.#client, usage))
  }

  /** Asks for the creation or deletion of partitions; throws THROTTLING_QUOTA_EXCEEDED when none is allowed (KIP-599). */
  mutate(partitions: number): void {
    const throttleMs = this.#quotas.mutate(this.#client, partitions)
    if (throttleMs === 0) return
    this.#throttleMs = Math.max(this.#throttleMs, throttleMs)
    throw new KafkaError(ErrorCode.THROTTLING_QUOTA_EXCEEDED, 'The quota of changes of partitions is exceeded.')
  }
}
