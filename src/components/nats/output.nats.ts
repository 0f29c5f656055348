import { defineOutput, evaluated, field, maxInFlightField } from '../../engine/index.ts'
import { headerFields, headersMaker, natsConnector, outputTracingField, securityFields, urlsField } from './client.ts'
import { Publisher } from './publisher.ts'

export default defineOutput({
  name: 'nats',
  categories: ['Services'],
  summary: 'Publishes messages to NATS subjects.',
  description:
    'A message counts as delivered once the server has received it, whether or not there are subscribers. Use `nats_jetstream` where messages must be persisted.',
  config: field.object({
    urls: urlsField,
    subject: field
      .interpolated('The subject.')
      .examples('foo.bar.baz', '${! @kafka_topic }', 'foo.${! this.meta.type }'),
    ...headerFields,
    max_in_flight: maxInFlightField(64),
    ...securityFields,
    inject_tracing_map: outputTracingField,
  }),
  requires: ['@nats-io/transport-node'],
  needs: ['network'],
  create(config, resources) {
    const headersOf = headersMaker(config)
    const bind = async (connection: Awaited<ReturnType<ReturnType<typeof natsConnector>>>) => {
      const { headers } = await import('@nats-io/transport-node')
      return (batch: Parameters<typeof headersOf>[1], index: number) => {
        const subject = config.subject.static ?? evaluated('subject', () => config.subject.eval(batch, index))
        const own = headersOf(headers, batch, index)
        connection.publish(subject, batch[index]!.bytes(), own === undefined ? {} : { headers: own })
      }
    }
    return new Publisher(natsConnector(config, resources, { reconnects: false }), bind, { flushes: true })
  },
})
