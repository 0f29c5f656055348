import { LatencyHistogram } from './latency-histogram.ts'

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
