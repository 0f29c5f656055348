import { Buffer } from 'node:buffer'
import type { Attributes, HrTime } from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import { asError } from '../../base/index.ts'
import { defineTracer, field } from '../../engine/index.ts'
import { otelTracer } from '../opentelemetry/tracing.ts'
import { GcpRest } from './rest-client.ts'
import { addressOfEndpoint, credentialsFields, credentialsHelp, gcpConfig, GcpSession, isPlain } from './session.ts'

const DEFAULT_ENDPOINT = 'https://cloudtrace.googleapis.com'
const SCOPE = 'https://www.googleapis.com/auth/trace.append'

/** Limits of the API, in bytes of UTF-8. */
const MAX_NAME_BYTES = 128
const MAX_VALUE_BYTES = 256

export default defineTracer({
  name: 'gcp_cloudtrace',
  status: 'experimental',
  summary: 'Sends traces to Google Cloud Trace.',
  description: `What is traced is described at \`open_telemetry_collector\`. ${credentialsHelp}`,
  config: gcpConfig({
    project: field.string(
      'The project that traces are written to; empty for that of the environment or the credentials.',
    ),
    sampling_ratio: field.float('The share of traces that is sent, from 0 to 1.').default(1).examples(1),
    tags: field.string('Attributes of all spans.').map().default({}).advanced(),
    flush_interval: field.duration('How long spans are gathered before they are sent.').optional(),
    endpoint: field.string('Another address of the API.').needs('network', addressOfEndpoint).default('').advanced(),
    ...credentialsFields,
  }),
  requires: ['@opentelemetry/api', '@opentelemetry/sdk-trace-base', '@opentelemetry/resources', 'google-auth-library'],
  async create(config, resources) {
    const { endpoint, project, sampling_ratio: ratio, tags, flush_interval: flushIntervalMs } = config
    const session = new GcpSession(config, resources)
    const scope = isPlain(endpoint) ? undefined : SCOPE
    const client = new GcpRest({ endpoint: endpoint === '' ? DEFAULT_ENDPOINT : endpoint, scope }, session, resources)
    const exporter = new CloudTraceExporter(client, project === '' ? await session.project() : project)
    return await otelTracer({ exporters: [exporter], tags, ratio, followsParent: true, flushIntervalMs }, resources)
  },
})

/** Writes spans with `traces:batchWrite` of the Cloud Trace API, version 2. */
class CloudTraceExporter implements SpanExporter {
  readonly #client: GcpRest
  readonly #project: string
  readonly #sending = new Set<Promise<void>>()

  constructor(client: GcpRest, project: string) {
    this.#client = client
    this.#project = project
  }

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    const sending = this.#send(spans).then(
      () => done({ code: 0 }),
      (error: unknown) => done({ code: 1, error: asError(error) }),
    )
    this.#sending.add(sending)
    void sending.finally(() => this.#sending.delete(sending))
  }

  async forceFlush(): Promise<void> {
    await Promise.all(this.#sending)
  }

  async shutdown(): Promise<void> {
    await this.forceFlush()
    await this.#client.close()
  }

  async #send(spans: readonly ReadableSpan[]): Promise<void> {
    const body = { spans: spans.map(span => spanDocument(span, this.#project)) }
    await this.#client.request({
      operation: 'BatchWriteSpans',
      method: 'POST',
      path: `/v2/projects/${encodeURIComponent(this.#project)}/traces:batchWrite`,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
    })
  }
}

/** A span as the API takes it. Attributes of the resource become attributes of the span, which has none of its own there. */
function spanDocument(span: ReadableSpan, project: string): object {
  const { traceId, spanId } = span.spanContext()
  const parent = span.parentSpanContext
  const { status, events, resource, instrumentationScope } = span
  const attributes = {
    'otel.scope.name': instrumentationScope.name,
    'g.co/agent': 'penstock',
    ...resource.attributes,
    ...span.attributes,
  }
  return {
    name: `projects/${project}/traces/${traceId}/spans/${spanId}`,
    spanId,
    ...(parent === undefined ? {} : { parentSpanId: parent.spanId }),
    displayName: truncated(span.name, MAX_NAME_BYTES),
    startTime: timestamp(span.startTime),
    endTime: timestamp(span.endTime),
    attributes: attributesDocument(attributes),
    ...(events.length === 0 ? {} : { timeEvents: { timeEvent: events.map(eventDocument) } }),
    // UNKNOWN of google.rpc.Code, for the API has no code for an error as such.
    ...(status.code === 2 ? { status: { code: 2, message: status.message ?? '' } } : {}),
    sameProcessAsParentSpan: parent?.isRemote !== true,
    spanKind: 'INTERNAL',
  }
}

function eventDocument({ time, name, attributes = {} }: ReadableSpan['events'][number]): object {
  const annotation = { description: truncated(name, MAX_VALUE_BYTES), attributes: attributesDocument(attributes) }
  return { time: timestamp(time), annotation }
}

function attributesDocument(attributes: Attributes): object {
  const entries = Object.entries(attributes).filter(([, value]) => value !== undefined)
  const fitting = entries.filter(([key]) => Buffer.byteLength(key) <= MAX_NAME_BYTES)
  return {
    attributeMap: Object.fromEntries(fitting.map(([key, value]) => [key, valueDocument(value)])),
    droppedAttributesCount: entries.length - fitting.length,
  }
}

function valueDocument(value: Attributes[string]): object {
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number' && Number.isInteger(value)) return { intValue: String(value) }
  return { stringValue: truncated(String(value), MAX_VALUE_BYTES) }
}

/** A text in at most `maxBytes` bytes, with the number of bytes that were cut off. Characters stay whole. */
function truncated(text: string, maxBytes: number): object {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return { value: text, truncatedByteCount: 0 }
  let end = maxBytes
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end-- // a continuation byte
  return { value: bytes.toString('utf8', 0, end), truncatedByteCount: bytes.length - end }
}

/** RFC 3339 with nanoseconds. */
function timestamp([seconds, nanos]: HrTime): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(nanos).padStart(9, '0')}Z`
}
