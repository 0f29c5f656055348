import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import { MetricsStore, startStream } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { runCollecting } from '../collecting.suite.ts'
import { createRegistry } from '../index.ts'
import { portOf } from '../../../test/servers/ports.ts'

interface Seen {
  readonly url: string
  readonly method: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const seen: Seen[] = []
let answer: (seen: Seen, response: ServerResponse) => void = (_, response) => response.end()
let server: Server
let url = ''

before(async () => {
  server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (piece: string) => {
      body += piece
    })
    request.on('end', () => {
      seen.push({ url: request.url ?? '', method: request.method ?? '', headers: request.headers, body })
      answer(seen.at(-1)!, response)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${portOf(server)}`
})

after(() => server.close())

async function run(config: string): Promise<readonly string[]> {
  seen.length = 0
  const results: string[] = []
  await runCollecting(config, batch => {
    for (const message of batch) {
      results.push(`${message.text()} ${String(message.metadata.get('http_status_code'))} ${message.error?.message}`)
    }
  })
  return results
}

const generate = (count: number) =>
  `input: { generate: { count: ${count}, interval: '', mapping: 'root.n = counter()', auto_replay_nacks: false } }\n`

test('the processor sends the body and returns the response', async () => {
  answer = ({ body }, response) => response.end(`got ${body}`)
  const config = `${generate(1)}pipeline:
  processors:
    - http:
        url: ${url}/a/\${! this.n }
        headers: { X-Id: 'id-\${! this.n }' }
        basic_auth: { enabled: true, username: u, password: p }
output: { collect: {} }
`
  assert.deepEqual(await run(config), ['got {"n":1} 200 undefined'])
  assert.equal(seen[0]!.url, '/a/1')
  assert.equal(seen[0]!.method, 'POST')
  assert.equal(seen[0]!.headers['x-id'], 'id-1')
  assert.equal(seen[0]!.headers['content-type'], 'application/octet-stream')
  assert.equal(seen[0]!.headers.authorization, 'Basic dTpw')
})

test('an error status is retried, and then flags the message', async () => {
  answer = (_, response) => response.writeHead(503, 'Busy').end('later\n')
  const config = `${generate(1)}pipeline:
  processors:
    - http: { url: '${url}/b', retries: 2, retry_period: 1ms }
output: { collect: {} }
`
  assert.deepEqual(await run(config), [
    `{"n":1} 503 ${url}/b: HTTP request returned unexpected response code (503): 503 Busy, Error: later`,
  ])
  assert.equal(seen.length, 3)
})

test('every attempt is measured, and every response counted by the first digit of its status', async () => {
  answer = (_, response) => response.writeHead(seen.length === 1 ? 503 : 204).end()
  seen.length = 0
  const store = new MetricsStore()
  const stream = await startStream(
    `${generate(2)}pipeline: { processors: [ { http: { url: '${url}/c', retries: 1, retry_period: 1ms } } ] }
output: { drop: {} }`,
    { registry: createRegistry(), host: systemHost, clock: systemClock, log: nullLog, metrics: store.metrics },
  )
  await stream.done
  const series = store.samples().filter(({ name }) => name.startsWith('http_'))
  assert.deepEqual(
    series.map(({ name, labels, value }) => [name, labels['path'], value]),
    [
      ['http_request_latency_ns', 'root.pipeline.processors.0', 3],
      ['http_request_code_5xx', 'root.pipeline.processors.0', 1],
      ['http_request_code_2xx', 'root.pipeline.processors.0', 2],
    ],
  )
})

test('a status in drop_on is not retried', async () => {
  answer = (_, response) => response.writeHead(400).end()
  await run(`${generate(1)}pipeline: { processors: [ { http: { url: '${url}', drop_on: [ 400 ] } } ] }
output: { collect: {} }
`)
  assert.equal(seen.length, 1)
})

test('the output sends a batch as one multipart request', async () => {
  answer = (_, response) => response.end()
  await run(`input: { generate: { count: 2, interval: '', batch_size: 2, mapping: 'root.n = counter()' } }
output: { http_client: { url: '${url}/c', batch_as_multipart: true } }
`)
  assert.equal(seen.length, 1)
  assert.match(seen[0]!.headers['content-type']!, /^multipart\/form-data; boundary=/)
  assert.match(seen[0]!.body, /\{"n":1\}[^]*\{"n":2\}/)
})

test('the input builds its request from the previous response, and drops empty responses', async () => {
  let count = 0
  answer = (_, response) => response.end(++count === 2 ? '' : `{"page":${count}}`)
  const config = `input:
  read_until:
    check: this.page == 3
    input:
      http_client:
        url: '${url}/\${! json("page").catch(0) }'
output: { collect: {} }
`
  assert.deepEqual(await run(config), ['{"page":1} 200 undefined', '{"page":3} 200 undefined'])
  assert.deepEqual(
    seen.slice(0, 2).map(each => [each.method, each.url]),
    [
      ['GET', '/0'],
      ['GET', '/1'],
    ],
  )
})

test('a response is split into messages as it arrives', async () => {
  answer = (_, response) => response.end('a\nb\n')
  const config = `input: { http_client: { url: '${url}', stream: { enabled: true, reconnect: false } } }
output: { collect: {} }
`
  assert.deepEqual(await run(config), ['a undefined undefined', 'b undefined undefined'])
  assert.equal(seen[0]!.headers['content-type'], 'application/octet-stream')
})

test('a stream drops empty messages, and reconnects with the last message', async () => {
  answer = (_, response) => response.end(`x${seen.length}\n\ny${seen.length}\n`)
  const config = `input:
  read_until:
    check: content() == "y2"
    input: { http_client: { url: '${url}/\${! content() }', stream: { enabled: true } } }
output: { collect: {} }
`
  assert.deepEqual(
    (await run(config)).map(text => text.slice(0, 2)),
    ['x1', 'y1', 'x2', 'y2'],
  )
  assert.deepEqual(
    seen.slice(0, 2).map(each => each.url),
    ['/', '/y1'],
  )
})

test('a multipart response needs a boundary', async () => {
  answer = (_, response) => response.setHeader('Content-Type', 'multipart/mixed').end('x')
  const config = `${generate(1)}pipeline: { processors: [ { http: { url: '${url}' } } ] }
output: { collect: {} }
`
  assert.deepEqual(await run(config), ['{"n":1} undefined multipart: boundary is empty'])
})

test('a client whose rate limit does not exist is refused', async () => {
  for (const config of [
    `input: { http_client: { url: '${url}', rate_limit: nope } }\noutput: { collect: {} }`,
    `${generate(1)}pipeline: { processors: [ { http: { url: '${url}', rate_limit: nope } } ] }\noutput: { collect: {} }`,
    `${generate(1)}output: { http_client: { url: '${url}', rate_limit: nope } }`,
  ]) {
    await assert.rejects(run(config), /rate limit resource 'nope' was not found/)
  }
})

test('a token is requested with credentials in a header, or in the body if the server refuses that', async () => {
  const clients: string[] = []
  answer = ({ url: path, headers, body }, response) => {
    if (path !== '/token') return response.end(headers.authorization)
    clients.push(`${headers.authorization ?? ''} ${body}`)
    if (headers.authorization !== undefined) return response.writeHead(401).end('{"error":"invalid_client"}')
    return response.end('{"access_token":"T","expires_in":1}')
  }
  const client = `http: { url: '${url}', retries: 0, oauth2: { enabled: true, client_key: k, client_secret: s, token_url: '${url}/token', scopes: [ b, a ], endpoint_params: { aud: [ x ] } } }`
  const config = `${generate(2)}pipeline: { threads: 1, processors: [ ${client} ] }\noutput: { collect: {} }\n`
  assert.deepEqual(await run(config), ['Bearer T 200 undefined', 'Bearer T 200 undefined'])
  const form = 'aud=x&client_id=k&client_secret=s&grant_type=client_credentials&scope=b+a'
  assert.deepEqual(clients, [
    `Basic ${Buffer.from('k:s').toString('base64')} aud=x&grant_type=client_credentials&scope=b+a`,
    ` ${form}`,
    ` ${form}`,
  ])
  answer = (_, response) => response.writeHead(400).end('{"error":"invalid_client","error_description":"who?"}')
  const [refused] = await run(config)
  assert.match(refused!, /Post "http:.*": oauth2: "invalid_client" "who\?"$/)
})
