import { messageOf } from '../../base/index.ts'
import { ConfigError, defineProcessor, evaluated, field, parseDuration, perMessage } from '../../engine/index.ts'
import {
  addHeaders,
  headerFields,
  headersMaker,
  natsConnector,
  OnDemandConnection,
  securityFields,
  urlsField,
} from './client.ts'

export default defineProcessor({
  name: 'nats_request_reply',
  categories: ['Services'],
  summary: 'Sends messages as requests on NATS subjects and replaces their bodies with the replies.',
  description: 'The headers of a reply become metadata. A message without a reply is flagged as failed.',
  config: field.object({
    urls: urlsField,
    subject: field
      .interpolated('The subject.')
      .examples('foo.bar.baz', '${! @kafka_topic }', 'foo.${! this.meta.type }'),
    inbox_prefix: field
      .string('The prefix of the subjects on which replies are received.')
      .examples('_INBOX_joe')
      .optional()
      .advanced(),
    ...headerFields,
    timeout: field.string('How long to wait for a reply.').default('3s'),
    ...securityFields,
  }),
  requires: ['@nats-io/transport-node'],
  needs: ['network'],
  create(config, resources) {
    const timeoutMs = parseTimeout(config.timeout)
    const headersOf = headersMaker(config)
    const { inbox_prefix: inboxPrefix } = config
    const connection = new OnDemandConnection(
      natsConnector(config, resources, { reconnects: true, ...(inboxPrefix !== undefined && { inboxPrefix }) }),
      async open => ({ open, create: (await import('@nats-io/transport-node')).headers }),
    )
    return {
      waits: true,
      effects: true,
      ...perMessage(async (message, batch, index) => {
        try {
          const { open, create } = await connection.use()
          const subject = evaluated('subject', () => config.subject.eval(batch, index))
          const headers = headersOf(create, batch, index)
          const answer = await open.request(subject, message.bytes(), {
            timeout: timeoutMs,
            ...(headers !== undefined && { headers }),
          })
          const metadata = new Map(message.metadata)
          addHeaders(metadata, answer.headers)
          return message.withBytes(answer.data).withMetadata(metadata)
        } catch (error) {
          return resources.fail(message, error)
        }
      }),
      close: () => connection.close(),
    }
  },
})

function parseTimeout(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    throw new ConfigError(`timeout must be a duration: ${messageOf(error)}`, { cause: error })
  }
}
