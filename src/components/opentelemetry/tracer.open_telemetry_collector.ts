import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import { ConfigError, defineTracer, field } from '../../engine/index.ts'
import { OtlpHttpExporter } from './otlp-http.ts'
import { otelTracer } from './tracing.ts'

interface Collector {
  readonly address?: string | undefined
  readonly url: string
  readonly secure: boolean
}

const collectors = (port: number) =>
  field
    .object({
      address: field.string('The collector, as `host:port`.').needs('network').optional().examples(`localhost:${port}`),
      url: field.string('Use `address` instead.').needs('network').default(`localhost:${port}`).deprecated(),
      secure: field.bool('Whether the connection is encrypted.').default(false),
    })
    .list()

export default defineTracer({
  name: 'open_telemetry_collector',
  status: 'experimental',
  summary: 'Sends traces to OpenTelemetry collectors.',
  description: `Each message has a span in its input, which ends with its acknowledgement, and child spans in each processor
and output. \`traceparent\` is read from requests to \`http_server\` and sent with the requests of HTTP clients. With a tracer,
processors stay in one thread.`,
  config: field.object({
    http: collectors(4318),
    grpc: collectors(4317),
    tags: field.string('Attributes added to all spans.').map().default({}).advanced(),
    sampling: field
      .object({
        enabled: field.bool('Whether only a fraction of the traces is sent.').default(false),
        ratio: field.float('The fraction, from 0 to 1.').optional().examples(0.85, 0.5),
      })
      .optional(),
  }),
  examples: [
    {
      title: 'A local collector',
      config: 'tracer:\n  open_telemetry_collector:\n    http:\n      - address: localhost:4318\n    grpc: []\n',
    },
  ],
  requires: [
    '@opentelemetry/api',
    '@opentelemetry/sdk-trace-base',
    '@opentelemetry/resources',
    '@opentelemetry/otlp-transformer',
    '@opentelemetry/exporter-trace-otlp-grpc',
  ],
  async create(config, resources) {
    const http = config.http.map(each => new OtlpHttpExporter(addressOf(each), each.secure, resources))
    const grpc = await Promise.all(config.grpc.map(each => grpcExporter(each)))
    const { sampling } = config
    const ratio = sampling?.enabled === true ? (sampling.ratio ?? 0) : undefined
    return await otelTracer({ exporters: [...http, ...grpc], tags: config.tags, ratio }, resources)
  },
})

function addressOf({ address = '', url }: Collector): string {
  const chosen = address === '' ? url : address
  if (chosen === '') throw new ConfigError('an address must be specified')
  return chosen.replace(/^https?:\/\//, '').replace(/\/+$/, '')
}

async function grpcExporter(collector: Collector): Promise<SpanExporter> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-grpc')
  // The scheme determines encryption; the exporter opens its connection itself.
  return new OTLPTraceExporter({ url: `${collector.secure ? 'https' : 'http'}://${addressOf(collector)}` })
}
