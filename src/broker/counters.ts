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

  countRequest(api: string): void {
    this.#requests.set(api, (this.#requests.get(api) ?? 0) + 1)
  }

  /** Requests by the name of their API. */
  get requests(): ReadonlyMap<string, number> {
    return this.#requests
  }
}
