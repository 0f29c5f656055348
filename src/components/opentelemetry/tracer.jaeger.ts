import { addressOfUrl, defineTracer, field } from '../../engine/index.ts'
import { otelTracer } from './tracing.ts'

export default defineTracer({
  name: 'jaeger',
  status: 'stable',
  summary: 'Sends traces to a Jaeger agent or collector, in Thrift.',
  description:
    'Since version 1.35 Jaeger itself accepts OTLP, so `open_telemetry_collector` works as well; its page describes what is traced.',
  config: field.object({
    agent_address: field
      .string('The agent to send spans to over UDP, as `host:port`.')
      .needs('network')
      .default('')
      .examples('jaeger-agent:6831'),
    collector_url: field
      .string('A collector to send spans to over HTTP instead.')
      .needs('network', value => addressOfUrl(value))
      .default('')
      .examples('https://jaeger-collector:14268/api/traces'),
    sampler_type: field
      .string('How traces are sampled.')
      .default('const')
      .options({ const: 'A fraction of the traces, chosen by id; `sampler_param` is the fraction.' }),
    sampler_param: field.float('The fraction of traces that is sent, from 0 to 1.').default(1).advanced(),
    tags: field.string('Attributes added to all spans.').map().default({}).advanced(),
    flush_interval: field.duration('How long spans are collected before they are sent.').optional(),
  }),
  requires: [
    '@opentelemetry/api',
    '@opentelemetry/sdk-trace-base',
    '@opentelemetry/resources',
    '@opentelemetry/exporter-jaeger',
  ],
  async create(config, resources) {
    const { JaegerExporter } = await import('@opentelemetry/exporter-jaeger')
    const { agent_address: agent, collector_url: collector } = config
    const colon = agent.lastIndexOf(':')
    const host = colon === -1 ? agent : agent.slice(0, colon)
    const port = colon === -1 ? 6831 : Number(agent.slice(colon + 1))
    const exporter = new JaegerExporter(
      collector === '' ? { host: host === '' ? 'localhost' : host, port } : { endpoint: collector },
    )
    const { tags, sampler_param: ratio, flush_interval: flushIntervalMs } = config
    return await otelTracer({ exporters: [exporter], tags, ratio, flushIntervalMs }, resources)
  },
})
