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
    'Each message of a batch is sent as a request, or the whole batch as one multipart request with `batch_as_multipart`. If a request fails after all retries, its messages are rejected.',
  needs: ['network'],
  config: field.object({
    url: urlField,
    verb: verbField('POST'),
    ...clientFields,
    payload: field.interpolated('The payload that is sent instead of the message.').optional().advanced(),
    batch_as_multipart: field
      .bool('Whether a batch is sent as one multipart request (RFC 1341).')
      .default(false)
      .advanced(),
    propagate_response: field
      .bool('Whether the response is returned to an input that supports synchronous responses.')
      .default(false)
      .advanced(),
    max_in_flight: maxInFlightField(64),
    batching: batchingField,
    multipart: field
      .object({
        content_type: field.interpolated('The content type of the part.').default('').advanced(),
        content_disposition: field.interpolated('The content disposition of the part.').default('').advanced(),
        body: field.interpolated('The content of the part.').default('').advanced(),
      })
      .list()
      .default([])
      .advanced(),
  }),
  examples: [
    {
      title: 'Authenticating with a key from the environment',
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
