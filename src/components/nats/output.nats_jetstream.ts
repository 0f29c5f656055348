import { type Batch, defineOutput, evaluated, field, maxInFlightField } from '../../engine/index.ts'
import { headerFields, headersMaker, natsConnector, outputTracingField, securityFields, urlsField } from './client.ts'
import { Publisher } from './publisher.ts'
import { StreamPublisher } from './stream-publisher.ts'

export default defineOutput({
  name: 'nats_jetstream',
  categories: ['Services'],
  summary: 'Publishes messages to NATS JetStream subjects and waits until a stream has stored them.',
  description: 'Messages for a subject that no stream collects are rejected.',
  config: field.object({
    urls: urlsField,
    subject: field
      .interpolated('The subject.')
      .examples('foo.bar.baz', '${! @kafka_topic }', 'foo.${! this.meta.type }'),
    ...headerFields,
    max_in_flight: maxInFlightField(1024),
    ...securityFields,
    inject_tracing_map: outputTracingField,
  }),
  requires: ['@nats-io/transport-node'],
  needs: ['network'],
  create(config, resources) {
    const headersOf = headersMaker(config)
    return new Publisher(
      natsConnector(config, resources, { reconnects: false }),
      async connection => {
        const { headers } = await import('@nats-io/transport-node')
        const publisher = await StreamPublisher.open(connection, resources.clock)
        return (batch: Batch, index: number) => {
          const subject = config.subject.static ?? evaluated('subject', () => config.subject.eval(batch, index))
          const own = headersOf(headers, batch, index)
          return publisher.publish(subject, batch[index]!.bytes(), own)
        }
      },
      { flushes: false },
    )
  },
})
