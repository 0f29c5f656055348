import { LatencyHistogram } from './latency-histogram.ts'

/**
 * The way of a Produce: until its turn comes on its connection, in the open buffer (`flush`), while the object is written
 * (`put`), until its offsets are committed, and until its answer is sent, for which those before it have to be there.
 */
export type ProduceStage = 'queue' | 'flush' | 'put' | 'commit' | 'answer'

/** What a broker has counted since its start. */
export class BrokerCounters {
  connectionsOpened = 0
  connectionsOpen = 0
  /** Connections that were closed for what they sent. */
  refusedConnections = 0
  bytesIn = 0
  bytesOut = 0
  /** Requests whose handler threw. */
  failedRequests = 0
  readonly #requests = new Map<string, number>()
  readonly #latencies = new Map<string, LatencyHistogram>()
  /** `queue` and `answer` count requests, the others objects, which hold what many requests brought. */
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

  /** Counts how long a request took until its answer was sent, in milliseconds. */
  countLatency(api: string, ms: number): void {
    let histogram = this.#latencies.get(api)
    if (histogram === undefined) this.#latencies.set(api, (histogram = new LatencyHistogram()))
    histogram.observe(ms)
  }

  /** By the name of the API, for the answers that were sent. */
  get latencies(): ReadonlyMap<string, LatencyHistogram> {
    return this.#latencies
  }

  /** Requests by the name of their API. */
  get requests(): ReadonlyMap<string, number> {
    return this.#requests
  }
}
