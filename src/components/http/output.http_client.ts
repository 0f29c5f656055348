import {
  batchingField,
  defineOutput,
  deliverEachOf,
  field,
  maxInFlightField,
  type Message,
} from '../../engine/index.ts'
import { HttpClient } from './client.ts'
import { clientFields, urlField, verbField } from './client-fields.ts'

export default defineOutput({
  name: 'http_client',
  categories: ['Network'],
  summary: 'Sends messages to an HTTP server.',
  description:
    'A batch is one request for each message, or with `batch_as_multipart` one of several parts. A request that fails after all retries refuses its messages.',
  needs: ['network'],
  config: field.object({
    url: urlField,
    verb: verbField('POST'),
    ...clientFields,
    payload: field.interpolated('What is sent instead of the message.').optional().advanced(),
    batch_as_multipart: field
      .bool('Whether a batch is one request of several parts (RFC 1341).')
      .default(false)
      .advanced(),
    propagate_response: field
      .bool('Whether the answer goes back to an input that waits for one.')
      .default(false)
      .advanced(),
    max_in_flight: maxInFlightField(64),
    batching: batchingField,
    multipart: field
      .object({
        content_type: field.interpolated('The type of the part.').default('').advanced(),
        content_disposition: field.interpolated('The name of the part.').default('').advanced(),
        body: field.interpolated('The content of the part.').default('').advanced(),
      })
      .list()
      .default([])
      .advanced(),
  }),
  examples: [
    {
      title: 'With a key from the environment',
      config: `output:
  http_client:
    url: https://example.com/events
    headers:
      Authorization: 'Bearer \${API_KEY}'
      Content-Type: application/json
`,
    },
  ],
  create(config, resources) {
    const client = new HttpClient(config, config.payload, resources, config.multipart)
    const send = async (messages: readonly Message[], signal: AbortSignal) => {
      const answers = await client.send(messages, signal)
      if (config.propagate_response) messages[0]?.context?.respond?.(answers)
    }
    return {
      write: (batch, signal) =>
        config.batch_as_multipart ? send(batch, signal) : deliverEachOf(batch, message => send([message], signal)),
      close: () => client.close(),
    }
  },
})
