import { messageOf } from '../../base/index.ts'
import { defineProcessor, field, type Message, type Resources } from '../../engine/index.ts'
import { HttpClient, UnexpectedStatusError } from './client.ts'
import { clientFields, urlField, verbField } from './client-fields.ts'

export default defineProcessor({
  name: 'http',
  categories: ['Integration'],
  summary: 'Sends each message to an HTTP server and replaces the body with the response.',
  description:
    'The metadata of a message is kept; `http_status_code` and the headers selected by `extract_headers` are added. A message whose request fails after all retries is left unchanged and flagged as failed. To keep the message and add part of the response to it, use this within a `branch`.',
  needs: ['network'],
  config: field.object({
    url: urlField,
    verb: verbField('POST'),
    ...clientFields,
    payload: field
      .interpolated('The payload that is sent instead of the message.')
      .optional()
      .advanced()
      .since('1.16.0'),
    batch_as_multipart: field
      .bool('Whether a batch is sent as one multipart request (RFC 1341).')
      .default(false)
      .advanced(),
    parallel: field.bool('Whether the messages of a batch are sent concurrently.').default(false),
  }),
  examples: [
    {
      title: 'Enriching a message from another service',
      config: `pipeline:
  processors:
    - branch:
        request_map: 'root = ""'
        processors:
          - http:
              url: https://hub.docker.com/v2/repositories/\${! json("name") }
              verb: GET
              headers:
                Content-Type: application/json
        result_map: root.repository = this
`,
    },
  ],
  create(config, resources) {
    const client = new HttpClient(config, config.payload, resources)
    const send = (messages: readonly Message[]) => exchange(client, config.url.static ?? 'url', messages, resources)
    return {
      waits: true,
      effects: true,
      process: async messages => {
        if (config.batch_as_multipart || messages.length === 1) return [await send(messages)]
        const results: (readonly Message[])[] = []
        if (config.parallel) results.push(...(await Promise.all(messages.map(message => send([message])))))
        else for (const message of messages) results.push(await send([message]))
        return [results.flat()]
      },
      close: () => client.close(),
    }
  },
})

/** The responses to some messages, with the original metadata; if a request fails, the messages themselves, flagged. */
async function exchange(
  client: HttpClient,
  url: string,
  messages: readonly Message[],
  resources: Resources,
): Promise<readonly Message[]> {
  try {
    const answers = await client.send(messages)
    return answers.map((answer, index) => {
      const source = messages[index] ?? messages[0]!
      return source.withBytes(answer.bytes()).withMetadata(new Map([...source.metadata, ...answer.metadata]))
    })
  } catch (error) {
    resources.log.error(`HTTP request to '${url}' failed: ${messageOf(error)}`)
    return messages.map(message => {
      const failed = resources.fail(message, error)
      return error instanceof UnexpectedStatusError
        ? failed.withMeta('http_status_code', BigInt(error.statusCode))
        : failed
    })
  }
}
