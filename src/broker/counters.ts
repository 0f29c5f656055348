import { LatencyHistogram } from './latency-histogram.ts'

/**
 * The stages of a Produce: until its turn on the connection, in the open buffer (`flush`), while the object is written
 * (`put`), until its offsets are committed, and until its answer is sent, which waits for those before it.
 */
export type ProduceStage = 'queue' | 'flush' | 'put' | 'commit' | 'answer'

/** A broker's totals since its start. */
export class BrokerCounters {
  connectionsOpened = 0
  connectionsOpen = 0
  /** Connections closed because of what the client sent. */
  refusedConnections = 0
  bytesIn = 0
  bytesOut = 0
  /** Requests whose handler threw. */
  failedRequests = 0
  readonly #requests = new Map<string, number>()
  readonly #latencies = new Map<string, LatencyHistogram>()
  /** `queue` and `answer` count requests, the others objects, which combine many requests. */
  readonly produceStages: Readonly<Record<ProduceStage, LatencyHistogram>> = {
    queue: new LatencyHistogram(),
    flush: new LatencyHistogram(),
    put: new LatencyHistogram(),
    commit: new LatencyHistogram(),
    answer: new LatencyHistogram(),
  }

  countRequest(api: string): void {
    this.#requests.set(api, (this.#requests.get(api) ?? 0) + 1)
  }

  /** Records the time from a request to its answer, in milliseconds. */
  countLatency(api: string, ms: number): void {
    let histogram = this.#latencies.get(api)
    if (histogram === undefined) this.#latencies.set(api, (histogram = new LatencyHistogram()))
    histogram.observe(ms)
  }

  /** By the name of the API, for answers that were sent. */
  get latencies(): ReadonlyMap<string, LatencyHistogram> {
    return this.#latencies
  }

  /** Requests by the name of their API. */
  get requests(): ReadonlyMap<string, number> {
    return this.#requests
  }
}
