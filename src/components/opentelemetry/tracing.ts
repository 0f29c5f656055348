import type { Attributes, SpanContext, Tracer as OtelTracer } from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import { asError } from '../../base/index.ts'
import type { Span, TraceCarrier, Tracer, TracerResources } from '../../engine/index.ts'

/** How spans are sampled, named and sent. */
export interface TracingOptions {
  readonly exporters: readonly SpanExporter[]
  /** Attributes added to all spans of this program. */
  readonly tags: Readonly<Record<string, string>>
  /** The fraction of traces that is kept, chosen by id; undefined for all. */
  readonly ratio: number | undefined
  /** Whether a span with a known parent is kept exactly if its parent is, regardless of the share. */
  readonly followsParent?: boolean
  /** How long spans are collected before they are sent, in milliseconds. Defaults to that of OpenTelemetry. */
  readonly flushIntervalMs?: number | undefined
}

/** Creates a tracer based on the OpenTelemetry SDK. */
export async function otelTracer(options: TracingOptions, { log, version }: TracerResources): Promise<Tracer> {
  const [api, sdk, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/resources'),
  ])
  const { tags, ratio, exporters, followsParent = false, flushIntervalMs } = options
  const reported = new WeakSet<Error>()
  // Closing rejects with the errors of the last export, which were reported already.
  const report = (error: Error) => {
    if (reported.has(error)) return
    reported.add(error)
    log.warn(`Failed to send spans: ${error.message}`)
  }
  const share = ratio === undefined ? new sdk.AlwaysOnSampler() : new sdk.TraceIdRatioBasedSampler(ratio)
  const named = Object.hasOwn(tags, 'service.name')
  const attributes = { ...(named ? {} : { 'service.name': 'bento', 'service.version': version }), ...tags }
  const provider = new sdk.BasicTracerProvider({
    resource: resources.resourceFromAttributes(attributes),
    sampler: followsParent ? new sdk.ParentBasedSampler({ root: share }) : share,
    spanProcessors: exporters.map(
      exporter =>
        new sdk.BatchSpanProcessor(
          reporting(exporter, report),
          flushIntervalMs === undefined ? {} : { scheduledDelayMillis: flushIntervalMs },
        ),
    ),
  })
  const tracer = provider.getTracer('bento')
  return {
    start(name, parent) {
      const context = parent === undefined ? undefined : contextOf(parent)
      const root = api.ROOT_CONTEXT
      return startSpan(api, tracer, name, context === undefined ? root : api.trace.setSpanContext(root, context))
    },
    async close() {
      try {
        await provider.shutdown()
      } catch (error) {
        report(asError(error))
      }
    },
  }
}

type Api = typeof import('@opentelemetry/api')

function startSpan(api: Api, tracer: OtelTracer, name: string, context: import('@opentelemetry/api').Context): Span {
  const span = tracer.startSpan(name, {}, context)
  const own = span.spanContext()
  return new OtelSpan(own, {
    fail(reason) {
      span.setStatus({ code: api.SpanStatusCode.ERROR, message: reason })
      span.setAttribute('error', 'true')
      span.addEvent('event', { event: 'error', type: reason } satisfies Attributes)
    },
    end: () => span.end(),
  })
}

class OtelSpan implements Span {
  readonly context: SpanContext
  readonly carrier: TraceCarrier
  readonly fail: Span['fail']
  readonly end: Span['end']

  constructor(context: SpanContext, { fail, end }: Pick<Span, 'fail' | 'end'>) {
    this.context = context
    const state = context.traceState?.serialize() ?? ''
    this.carrier = { traceparent: traceparentOf(context), ...(state === '' ? {} : { tracestate: state }) }
    this.fail = fail
    this.end = end
  }

  get traceId(): string {
    return this.context.traceId
  }
}

function contextOf(parent: Span | TraceCarrier): SpanContext | undefined {
  if (parent instanceof OtelSpan) return parent.context
  const { traceparent } = parent as TraceCarrier // a span of this tracer is an OtelSpan
  return traceparent === undefined ? undefined : parseTraceparent(traceparent)
}

/** Formats a header as of W3C Trace Context, section 3.2. */
function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

/** Parses a `traceparent` header; undefined if it is invalid, in which case a new trace starts. */
export function parseTraceparent(text: string): SpanContext | undefined {
  const match = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/.exec(text.trim())
  if (match === null) return undefined
  const [, version, traceId, spanId, flags, more] = match
  // Later versions may have more at the end; this one may not.
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined
  return { traceId: traceId!, spanId: spanId!, traceFlags: parseInt(flags!, 16), isRemote: true }
}

/** Wraps an exporter so that its failures are reported, which the SDK does not do. */
function reporting(exporter: SpanExporter, report: (error: Error) => void): SpanExporter {
  return {
    export(spans: ReadableSpan[], done) {
      exporter.export(spans, result => {
        if (result.error !== undefined) report(result.error)
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => await exporter.forceFlush?.(),
  }
}
