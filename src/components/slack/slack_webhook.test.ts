import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { Sender } from '../../../test/connectors/streams.ts'
import { portOf } from '../../../test/servers/ports.ts'

test('slack_webhook: a message is posted as the JSON that it is', async context => {
  const slack = await startSlack(context)
  const sender = await Sender.start({ slack_webhook: { webhook: slack.url } })
  await sender.send('{"text":"Hello","blocks":[{"type":"divider"}]}')
  await sender.close()
  assert.deepEqual(slack.posted, [{ text: 'Hello', blocks: [{ type: 'divider' }] }])
})

test('slack_webhook: a message that is not a JSON object fails and is not sent', async context => {
  const slack = await startSlack(context)
  const sender = await Sender.start({ slack_webhook: { webhook: slack.url } })
  await assert.rejects(sender.send('Hello'), /invalid character|JSON/)
  await assert.rejects(sender.send('["text"]'), /must be a JSON object/)
  await sender.close()
  assert.deepEqual(slack.posted, [])
})

test('slack_webhook: a message that Slack refuses fails with the reason and the time to wait', async context => {
  const slack = await startSlack(context)
  const sender = await Sender.start({ slack_webhook: { webhook: slack.url } })
  await assert.rejects(sender.send('{}'), /slack server error: 400 Bad Request: no_text/)
  await assert.rejects(sender.send('{"text":"too much"}'), /429 Too Many Requests, retry after 30 s: rate_limited/)
  await sender.close()
})

/** Responds like Slack, which exists only as a hosted service. */
async function startSlack(context: TestContext) {
  const posted: unknown[] = []
  const server = createServer((request, response) => {
    void json(request).then(value => {
      const { text } = value as { readonly text?: unknown } // only this field is used, whatever was sent
      const isJson = request.headers['content-type'] === 'application/json'
      if (request.method !== 'POST' || request.url !== '/services/T0/B0/x') response.writeHead(404).end('no_service')
      else if (!isJson) response.writeHead(400).end('invalid_payload')
      else if (text === undefined) response.writeHead(400).end('no_text')
      else if (text === 'too much') response.writeHead(429, { 'Retry-After': '30' }).end('rate_limited')
      else {
        posted.push(value)
        response.end('ok')
      }
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const port = portOf(server)
  return { posted, url: `http://127.0.0.1:${port}/services/T0/B0/x` }
}
