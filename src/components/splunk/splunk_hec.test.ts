// Tests splunk_hec against a server that accepts exactly what a collector accepts: a token and a series of JSON events.
// Splunk itself is not available from a package registry that tests could install it from.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Sender } from '../../../test/connectors/streams.ts'
import { portOf } from '../../../test/servers/ports.ts'

const eventFields = new Set(['event', 'time', 'host', 'source', 'sourcetype', 'index', 'fields'])

test('splunk_hec: a batch is one request; text is wrapped in events, and events are sent unchanged', async context => {
  const collector = await startCollector(context)
  const sender = await Sender.start(collector.output({ batching_count: 4 }))
  await sender.send('plain', '{"a":1}', '{"event":{"b":2},"time":1,"host":"own"}', '["event"]')
  await sender.close()
  assert.deepEqual(collector.requests, [
    [{ event: 'plain' }, { event: '{"a":1}' }, { event: { b: 2 }, time: 1, host: 'own' }, { event: '["event"]' }],
  ])
})

test('splunk_hec: configured fields override those of an event', async context => {
  const collector = await startCollector(context)
  const own = { event_host: 'h "quoted"', event_source: 's', event_sourcetype: 't', event_index: 'i' }
  const sender = await Sender.start(collector.output({ batching_count: 1, ...own }))
  await sender.send('{"event":"x","host":"own","source":"own"}')
  await sender.close()
  assert.deepEqual(collector.requests, [[{ event: 'x', host: 'h "quoted"', source: 's', sourcetype: 't', index: 'i' }]])
})

test('splunk_hec: requests are compressed when configured', async context => {
  const collector = await startCollector(context)
  const sender = await Sender.start(collector.output({ batching_count: 2, gzip: true }))
  await sender.send('one', 'two')
  await sender.close()
  assert.deepEqual(collector.requests, [[{ event: 'one' }, { event: 'two' }]])
  assert.deepEqual(collector.encodings, ['gzip'])
})

test('splunk_hec: a wrong token fails the messages with the reason of the collector, after one request', async context => {
  const collector = await startCollector(context)
  const sender = await Sender.start(collector.output({ batching_count: 1, token: 'wrong' }))
  await assert.rejects(sender.send('x'), /\(403\).*Invalid token/)
  await sender.close()
  assert.equal(collector.encodings.length, 1)
})

async function startCollector(context: TestContext) {
  const requests: unknown[][] = []
  const encodings: (string | undefined)[] = []
  const take = async (request: IncomingMessage): Promise<readonly [number, string]> => {
    encodings.push(request.headers['content-encoding'])
    const body = await buffer(request)
    if (request.method !== 'POST' || request.url !== '/services/collector/event') return [404, 'Not Found']
    if (request.headers.authorization !== 'Splunk secret') return [403, 'Invalid token']
    const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
    const events: object[] = String(text)
      .split('\n')
      .map(line => JSON.parse(line))
    if (events.some(event => !('event' in event))) return [400, 'Event field is required']
    if (events.some(event => Object.keys(event).some(key => !eventFields.has(key)))) return [400, 'Invalid data format']
    requests.push(events)
    return [200, 'Success']
  }
  const server = createServer((request, response) => {
    void take(request).then(([status, text]) => response.writeHead(status).end(JSON.stringify({ text })))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const port = portOf(server)
  const url = `http://127.0.0.1:${port}/services/collector/event`
  return {
    requests,
    encodings,
    output: (fields: object) => ({ splunk_hec: { url, token: 'secret', ...fields } }),
  }
}
