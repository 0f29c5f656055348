import { text } from 'node:stream/consumers'
import { isObject } from '../../bloblang/index.ts'
import {
  addressOfUrl,
  defineOutput,
  deliverEachOf,
  field,
  HttpTransport,
  type Message,
  tlsField,
  tlsOptions,
} from '../../engine/index.ts'

export default defineOutput({
  name: 'slack_webhook',
  status: 'experimental',
  categories: ['Services', 'Social'],
  summary: 'Posts messages to a Slack channel by an incoming webhook.',
  description:
    'A message is a JSON object in [Slack\'s format](https://api.slack.com/messaging/webhooks): `{"text":"Hello"}`, or one with `blocks` or `attachments`. It is sent unchanged. A message fails if it is not an object, or if Slack responds with a status other than 200.',
  config: field.object({
    webhook: field
      .string('The URL of the webhook.')
      .needs('network', value => addressOfUrl(value))
      .examples('https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX'),
    timeout: field.duration('How long a response may take.').default('5s').advanced(),
    tls: tlsField.optional(),
  }),
  needs: ['network'],
  maxInFlight: 1,
  create({ webhook, timeout: timeoutMs = 5000, tls }, { host: { network, files } }) {
    const transport = new HttpTransport({
      tls: tls?.enabled === true ? tlsOptions(tls, path => files.readFileSync(path).toString('utf8')) : undefined,
      environment: network.proxyVariables,
      sockets: network,
    })
    const post = async (message: Message, signal: AbortSignal) => {
      if (!isObject(message.structured())) throw new Error('a message for Slack must be a JSON object')
      const answer = await transport.request(webhook, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: message.bytes(),
        timeoutMs,
        signal,
      })
      const reason = await text(answer.body)
      if (answer.statusCode === 200) return
      const wait = answer.headers['retry-after']
      const after = answer.statusCode === 429 && wait !== undefined ? `, retry after ${String(wait)} s` : ''
      throw new Error(`slack server error: ${answer.statusCode} ${answer.statusText}${after}: ${reason.slice(0, 500)}`)
    }
    return {
      write: (batch, signal) => deliverEachOf(batch, message => post(message, signal)),
      close: () => transport.close(),
    }
  },
})
