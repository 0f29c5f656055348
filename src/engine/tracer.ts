import { messageOf, asError } from '../base/index.ts'
import type { Clock, Log } from '../base/index.ts'
import { isObject, type Mapping, MetadataDraft } from '../bloblang/index.ts'
import { PartialFailure } from './batch.ts'
import type { AnySpec, ComponentConfig, MaybePromise, Output, Processor } from './component.ts'
import { ConfigError } from './component.ts'
import { unsupportedText } from './config/lint.ts'
import type { Delivery } from './delivery.ts'
import type { Field } from './fields.ts'
import type { ComponentHost } from './host.ts'
import type { Message } from './message.ts'
import { declaredHost } from './needs.ts'

/** What other programs need to continue a trace: text fields such as `traceparent` (W3C Trace Context). */
export type TraceCarrier = Readonly<Record<string, string>>

/** A span of a trace: the handling of one message by one component. It starts when it is created. */
export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  readonly carrier: TraceCarrier
  /** Marks the span as failed. */
  fail(reason: string): void
  /** Called once. */
  end(): void
}

/** Creates spans and exports them. Absent if tracing is off, so that it costs nothing then. */
export interface Tracer {
  /** Starts a span: below one of this program, below one of another by its carrier, or as the root of a trace. */
  start(name: string, parent?: Span | TraceCarrier): Span
  /** Exports the pending spans. */
  close(): Promise<void>
}

/** The environment of a tracer. */
export interface TracerResources {
  readonly log: Log
  readonly clock: Clock
  readonly host: ComponentHost
  /** The version of the program. */
  readonly version: string
}

export type TracerSpec<F extends Field<unknown>> = Omit<AnySpec, 'kind' | 'config' | 'create'> & {
  readonly kind: 'tracer'
  readonly config: F
  /** Returns null if tracing is off. */
  readonly create: (
    config: F extends Field<infer T> ? T : never,
    resources: TracerResources,
  ) => MaybePromise<Tracer | null>
}

/** The default export of `tracer.<name>.ts`. */
export function defineTracer<const F extends Field<unknown>>(spec: Omit<TracerSpec<F>, 'kind'>): TracerSpec<F> {
  return { ...spec, kind: 'tracer' }
}

/** Creates the tracer of a `tracer` block; null for `none`. Throws {@link ConfigError}. */
export async function openTracer(config: ComponentConfig, resources: TracerResources): Promise<Tracer | null> {
  const { spec, name } = config
  if (spec.create === undefined) {
    throw new ConfigError(`failed to init tracer <no label> path root.tracer: ${unsupportedText('tracer', name)}`)
  }
  const own = { ...resources, host: declaredHost(resources.host, spec) }
  try {
    // Only the spec knows the type that it creates; the registry holds specs of all kinds.
    return (await spec.create(config.config as never, own as never)) as Tracer | null
  } catch (error) {
    throw new ConfigError(`failed to init tracer <no label> path root.tracer: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** A delivery of an input whose messages carry spans, which end when the messages are settled. */
export function tracedDelivery(tracer: Tracer, name: string, delivery: Delivery, extract: Mapping | null): Delivery {
  const spans = new Map<Message, Span>()
  const traced = delivery.mapped(message => {
    const span = message.context?.span ?? tracer.start(`input_${name}`, carrierOf(extract, message))
    const carrying = message.withSpan(span)
    spans.set(carrying, span)
    return carrying
  })
  return traced.like(traced.messages, (some, error) => {
    for (const message of some) {
      const span = spans.get(message)
      spans.delete(message)
      const failure = error instanceof PartialFailure ? error.failures.get(message) : error
      if (failure !== null && failure !== undefined) span?.fail(failure.message)
      span?.end()
    }
    return traced.settle(some, error)
  })
}

/** The carrier that another program sent with a message, extracted by a mapping if there is one. */
function carrierOf(extract: Mapping | null, message: Message): TraceCarrier | undefined {
  if (extract === null) return undefined
  try {
    const found = extract.run([message], 0, draftOf(message))
    if (!isObject(found)) return undefined
    return Object.fromEntries(
      Object.entries(found).flatMap(([key, text]) => (typeof text === 'string' ? [[key.toLowerCase(), text]] : [])),
    )
  } catch {
    // A message without a carrier starts a new trace.
    return undefined
  }
}

function draftOf({ metadata }: Message): MetadataDraft {
  const draft = new MetadataDraft()
  draft.reset(metadata)
  return draft
}

/** A processor that creates a span for each message it receives. */
export function tracedProcessor(inner: Processor, name: string, tracer: Tracer): Processor {
  const begin = (messages: readonly Message[]) => messages.map(message => tracer.start(name, message.context?.span))
  const process: Processor['process'] = batch => {
    const spans = begin(batch)
    return settled(
      () => inner.process(batch),
      batches => {
        const results = batches.flat()
        // If messages were regrouped, a failure cannot be attributed to one of them; only the metrics show it.
        const isEach = results.length === batch.length
        for (const [index, span] of spans.entries()) finish(span, isEach ? results[index]! : null, batch[index]!)
      },
      error => failAll(spans, error),
    )
  }
  const { processRun } = inner
  return {
    waits: inner.waits === true,
    effects: inner.effects === true,
    process,
    processRun:
      processRun === undefined
        ? undefined
        : run => {
            const spans = begin(run)
            return settled(
              () => processRun.call(inner, run),
              results => {
                for (const [index, span] of spans.entries()) finish(span, results[index] ?? null, run[index]!)
              },
              error => failAll(spans, error),
            )
          },
    close: () => inner.close?.(),
  }
}

function finish(span: Span, result: Message | null, source: Message): void {
  if (result !== null && result.error !== null && result.error !== source.error) span.fail(result.error.message)
  span.end()
}

function failAll(spans: readonly Span[], error: unknown): void {
  for (const span of spans) {
    span.fail(messageOf(error))
    span.end()
  }
}

/** Calls `done` or `failed` with the outcome, synchronously or later, and passes the outcome on. */
function settled<T>(
  work: () => MaybePromise<T>,
  done: (result: T) => void,
  failed: (error: unknown) => void,
): MaybePromise<T> {
  let result: MaybePromise<T>
  try {
    result = work()
  } catch (error) {
    failed(error)
    throw error
  }
  if (!(result instanceof Promise)) {
    done(result)
    return result
  }
  return result.then(
    value => {
      done(value)
      return value
    },
    (error: unknown) => {
      failed(error)
      throw error
    },
  )
}

/** An output that creates a span for each message it writes, and sends the metadata that `inject` derives from it. */
export function tracedOutput(inner: Output, name: string, tracer: Tracer, inject: Mapping | null): Output {
  const begin = (messages: readonly Message[]) => {
    const spans = messages.map(message => tracer.start(`output_${name}`, message.context?.span))
    return { spans, carrying: messages.map((message, index) => injected(inject, message, spans[index]!)) }
  }
  const write: Output['write'] = (batch, signal) => {
    const { spans, carrying } = begin(batch)
    return settled(
      () => andOriginals(() => inner.write(carrying, signal), carrying, batch),
      () => {
        for (const span of spans) span.end()
      },
      error => {
        const failures = error instanceof PartialFailure ? error.failures : null
        for (const [index, span] of spans.entries()) {
          const failure = failures === null ? asError(error) : failures.get(batch[index]!)
          if (failure !== undefined) span.fail(failure.message)
          span.end()
        }
      },
    )
  }
  const { writeRun } = inner
  return {
    connect: signal => inner.connect?.(signal),
    write,
    close: () => inner.close?.(),
    ...(writeRun !== undefined && {
      writeRun: (run: readonly Message[], signal: AbortSignal) => {
        const { spans, carrying } = begin(run)
        return settled(
          () => writeRun.call(inner, carrying, signal),
          outcomes => {
            for (const [index, span] of spans.entries()) {
              const outcome = outcomes[index] ?? null
              if (outcome !== null) span.fail(outcome.message)
              span.end()
            }
          },
          error => failAll(spans, error),
        )
      },
    }),
  }
}

/** A message with the metadata that a mapping derives from its span's carrier; without it if the mapping fails. */
function injected(inject: Mapping | null, message: Message, span: Span): Message {
  const carrying = message.withSpan(span)
  if (inject === null) return carrying
  try {
    const draft = draftOf(message)
    inject.run([message.withDocument(span.carrier)], 0, draft)
    return carrying.withMetadata(new Map(draft.current))
  } catch {
    // Losing the trace is better than losing the message.
    return carrying
  }
}

/** Translates failures of the messages that carry spans into failures of the original messages. */
function andOriginals(
  write: () => MaybePromise<void>,
  carrying: readonly Message[],
  batch: readonly Message[],
): MaybePromise<void> {
  const translated = (error: unknown) => {
    if (!(error instanceof PartialFailure)) return error
    const originals = [...error.failures].map(
      ([message, reason]) => [batch[carrying.indexOf(message)]!, reason] as const,
    )
    return new PartialFailure(new Map(originals))
  }
  let written: MaybePromise<void>
  try {
    written = write()
  } catch (error) {
    throw translated(error)
  }
  return written instanceof Promise
    ? written.catch((error: unknown) => {
        throw translated(error)
      })
    : written
}
