import { messageOf, systemClock } from '../../base/index.ts'
import type { Importer } from '../../bloblang/index.ts'
import { namesIn } from '../config/config.ts'
import { configFields } from '../config/core-fields.ts'
import { parseFields } from '../config/parse.ts'
import type { ComponentHost } from '../host.ts'
import { makeLog, severityOf } from '../logger.ts'
import { asRoot, Message, type Metadata, rootOf } from '../message.ts'
import type { Metrics } from '../metrics.ts'
import type { Registry } from '../registry.ts'
import type { ProcessorChain } from '../runtime/chain.ts'
import { failureLog } from '../runtime/failure-log.ts'
import { Manager } from '../runtime/manager.ts'
import type { Segment } from '../runtime/segments.ts'
import { Shutdown } from '../runtime/shutdown.ts'
import { parseContext } from '../runtime/stream.ts'
import { buffersOf, pack, unpack } from './packed.ts'
import type { ChainAnswer, ChainCall, ChainEvent, ChainOrder, Counted, MadeSeries } from './protocol.ts'

/** The end of a channel to the thread that owns the stream. */
interface Port {
  postMessage(event: ChainEvent, moved: ArrayBuffer[]): void
  on(event: 'message', listener: (call: ChainCall) => void): unknown
}

interface Surroundings {
  readonly registry: Registry
  readonly host: ComponentHost
  readonly importer: Importer
}

/** Runs a stream's processors in this thread, for the thread that owns it. Rejects if they cannot be created. */
export async function serveChain(port: Port, { config: node }: ChainOrder, surroundings: Surroundings): Promise<void> {
  const { registry, host } = surroundings
  await registry.load(namesIn(node))
  const { pipeline, logger, error_handling } = configFields
  // Only these fields: the defaults of the others would be refused in a thread of a managed pipeline.
  const config = parseFields(parseContext(surroundings), { pipeline, logger, error_handling }, node, '')
  const log = makeLog(severityOf(config.logger.level), {}, (level, message, fields) =>
    port.postMessage({ kind: 'log', level, message, fields }, []),
  )
  const recorder = new Recorder()
  const manager = new Manager(
    {
      log,
      metrics: recorder.metrics,
      clock: systemClock,
      host,
      http: undefined,
      shutdown: new Shutdown(systemClock),
      strategy: 'none',
      logAllErrors: config.logger.log_all_errors,
      failureLog: failureLog(config.error_handling.log, () => host.random()),
      shared: new Map(),
      parsing: parseContext(surroundings),
      tracer: null,
    },
    [],
  )
  const chain = await manager.chain(config.pipeline.processors)
  port.on('message', call => void serve(port, chain, recorder, call))
  port.postMessage({ kind: 'ready' }, [])
}

async function serve(port: Port, chain: ProcessorChain, recorder: Recorder, call: ChainCall): Promise<void> {
  const known: Metadata[] = []
  const messages = unpack(call.messages, known).map(({ chunk, start, end, metadata, error, collapsed }) => {
    const message = Message.fromChunk(chunk, start, end, metadata).withError(error)
    return collapsed === undefined ? message : message.withContext({ collapsed })
  })
  // A message with an error was derived from the one without; each starts its own lineage.
  const roots = messages.map(asRoot)
  const places = new Map(roots.map((message, place) => [message, place]))
  const rejected: [number, string][] = []
  try {
    const segments = await chain.run({ messages: roots, isRun: call.isRun }, (message, error) =>
      rejected.push([places.get(message)!, error.message]),
    )
    const answer = answerOf(call.id, segments, places, known, rejected, recorder.take())
    port.postMessage(answer, [...buffersOf(answer.messages), answer.sources.buffer])
  } catch (error) {
    port.postMessage({ kind: 'failed', id: call.id, reason: messageOf(error) }, [])
  }
}

function answerOf(
  id: number,
  segments: readonly Segment[],
  places: ReadonlyMap<Message, number>,
  known: readonly Metadata[],
  rejected: ChainAnswer['rejected'],
  counted: Counted,
): ChainAnswer {
  const results = segments.length === 1 ? segments[0]!.messages : segments.flatMap(({ messages }) => messages)
  const sources = new Uint32Array(results.length)
  const severalSources: [number, readonly number[]][] = []
  for (let i = 0; i < results.length; i++) {
    const root = rootOf(results[i]!)
    if (root instanceof Message) {
      sources[i] = placeOf(places, root)
    } else {
      const all = root.map(each => placeOf(places, each))
      sources[i] = all[0]!
      severalSources.push([i, all])
    }
  }
  return {
    kind: 'answer',
    id,
    messages: pack(results, known),
    segments: segments.map(({ messages, isRun }) => ({ count: messages.length, isRun })),
    sources,
    severalSources,
    rejected,
    counted,
  }
}

/** A message that was derived from none of the call's messages belongs to the last one. */
function placeOf(places: ReadonlyMap<Message, number>, root: Message): number {
  return places.get(root) ?? places.size - 1
}

/** Metrics of this thread, which the owning thread adds to its own with each answer. */
class Recorder {
  readonly #series: MadeSeries[] = []
  readonly #places = new Map<string, number>()
  readonly #pending = new Map<number, number>()
  #observations: [series: number, durationNs: number, times: number | undefined][] = []
  #told = 0

  get metrics(): Metrics {
    return this.#scoped({})
  }

  take(): Counted {
    const counted = { made: this.#series.slice(this.#told), changes: [...this.#pending, ...this.#observations] }
    this.#told = this.#series.length
    this.#pending.clear()
    this.#observations = []
    return counted
  }

  #scoped(base: Readonly<Record<string, string>>): Metrics {
    const place = (kind: MadeSeries['kind'], name: string, labels: Readonly<Record<string, string>> = {}) =>
      this.#place({ kind, name, labels: { ...base, ...labels } })
    return {
      counter: (name, labels) => {
        const series = place('counter', name, labels)
        return { add: count => void this.#pending.set(series, (this.#pending.get(series) ?? 0) + count) }
      },
      gauge: (name, labels) => {
        const series = place('gauge', name, labels)
        return { set: value => void this.#pending.set(series, value) }
      },
      timer: (name, labels) => {
        const series = place('timer', name, labels)
        return { observe: (durationNs, times) => void this.#observations.push([series, durationNs, times]) }
      },
      with: labels => this.#scoped({ ...base, ...labels }),
    }
  }

  #place(series: MadeSeries): number {
    const key = JSON.stringify(series)
    let place = this.#places.get(key)
    if (place === undefined) {
      place = this.#series.push(series) - 1
      this.#places.set(key, place)
    }
    return place
  }
}
