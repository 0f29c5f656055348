import { availableParallelism } from 'node:os'
import { messageOf, systemClock } from '../../base/index.ts'
import { createRegistry } from '../../components/index.ts'
import { managedComponents } from '../../control/index.ts'
import {
  type ChainThread,
  type ComponentHost,
  ConfigError,
  loadConfig,
  makeLog,
  type Node,
  plainValue,
  severityOf,
  startStream,
  type Stream,
  substituteEnv,
  valueOf,
} from '../../engine/index.ts'
import { fileImporter } from '../../host/index.ts'
import type { StreamEvent, StreamOrder, StreamPulse } from './protocol.ts'
import { StreamJournal } from './stream-journal.ts'
import { StreamMeters } from './stream-meters.ts'
import { WorkerHttpHost } from './worker-http-host.ts'

/** One stream in a thread of pipelines: starts immediately and reports its end exactly once, as its last message. */
export class HostedStream {
  /** The socket on which its HTTP endpoints are served. */
  readonly socketPath: string
  readonly #meters = new StreamMeters()
  readonly #journal: StreamJournal
  readonly #startChain: (config: Node) => ChainThread
  readonly #announce: (event: StreamEvent) => void
  #stream: Stream | undefined
  #http: WorkerHttpHost | undefined
  /** Set if it is stopped before it has started. */
  #stopTimeoutMs: number | undefined
  #isOver = false

  /** `startChain` starts a thread for the processors of a configuration. */
  constructor(
    order: StreamOrder,
    host: ComponentHost,
    startChain: (config: Node) => ChainThread,
    announce: (event: StreamEvent) => void,
  ) {
    this.#startChain = startChain
    this.#announce = announce
    this.#journal = new StreamJournal()
    this.socketPath = order.socketPath
    void this.#run(order, host)
  }

  /** The changes since the last call, or null. */
  takePulse(): Omit<StreamPulse, 'stream'> | null {
    const status = this.#stream?.status
    return this.#journal.take(this.#meters.counters(status?.readErrors ?? 0), status)
  }

  /** Delivers messages in flight, and gives up those that are not delivered in time. */
  stop(timeoutMs: number): void {
    this.#stopTimeoutMs = timeoutMs
    // Before it has started there is nothing to stop; it is stopped as soon as it has.
    if (this.#stream !== undefined) void this.#stop(this.#stream, timeoutMs)
  }

  async #run(order: StreamOrder, host: ComponentHost): Promise<void> {
    try {
      const stream = await this.#start(order, host)
      this.#stream = stream
      this.#announce({ kind: 'started' })
      if (this.#stopTimeoutMs !== undefined) void this.#stop(stream, this.#stopTimeoutMs)
      await stream.done
      this.#end({ kind: 'ended', isClean: true })
    } catch (error) {
      const code = error instanceof ConfigError ? 'configuration' : 'stream'
      this.#end({ kind: 'failed', code, message: messageOf(error) })
    }
  }

  async #start(order: StreamOrder, host: ComponentHost): Promise<Stream> {
    const { streamText, socketPath, ...access } = order
    const registry = await managedComponents(createRegistry(), access)
    const node = await loadConfig(substituteEnv(streamText, name => host.env(name)).text, registry)
    const http = new WorkerHttpHost(socketPath, paths => this.#announce({ kind: 'endpoints', paths }))
    this.#http = http
    const log = makeLog(severityOf(logLevel(node)), {}, (level, message, fields) =>
      this.#journal.add(level, message, fields),
    )
    const importer = fileImporter(process.cwd(), host)
    const { metrics } = this.#meters
    const parallelism = availableParallelism()
    const startChainThread = this.#startChain
    const own = { log, http, metrics, parallelism, startChainThread }
    return await startStream(node, { registry, host, importer, clock: systemClock, ...own })
  }

  async #stop(stream: Stream, timeoutMs: number): Promise<void> {
    await stream.stop(timeoutMs)
    const isClean = await Promise.race([
      stream.done.then(
        () => true,
        () => true,
      ),
      new Promise<false>(resolve => setImmediate(() => resolve(false))),
    ])
    this.#end({ kind: 'ended', isClean })
  }

  #end(event: StreamEvent): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#http?.close()
    this.#announce(event)
  }
}

function logLevel(node: Node): string {
  const logger = valueOf(node, 'logger')
  const level = logger === undefined ? undefined : valueOf(logger, 'level')
  const value = level === undefined ? undefined : plainValue(level)
  return typeof value === 'string' ? value : 'INFO'
}
