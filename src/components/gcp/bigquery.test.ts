// BigQuery itself is not available in tests. The requests are compared with those that the original sent for the same
// configurations (`bigquery.recorded.json`, recorded with Bento of August 2026 against a server that answered like the
// one below); the responses are taken from the public documentation of version 2 of the API. An unexpected request
// fails.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Sender } from '../../../test/connectors/streams.ts'
import { listen } from '../../../test/servers/ports.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { rig } from '../contract/rig.suite.ts'
import { bytesOf } from './rest-client.ts'

interface Recorded {
  readonly method: string
  readonly path: string
  readonly query: string
  /** Set for an upload. */
  readonly document?: { readonly configuration: object; readonly jobReference: Readonly<Record<string, string>> }
  /** The uploaded data, one character per byte. */
  readonly data?: string
}

type Exchange = Readonly<Record<'json' | 'csv', readonly Recorded[]>>

// A file of this repository.
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'bigquery.recorded.json'), 'utf8')) as Exchange

type Answer = readonly [status: number, document: object]

/** Answers a request as a test requires; undefined for the default answer. */
type Special = (request: Recorded, count: number) => Answer | undefined

class BigQuery {
  readonly requests: Recorded[] = []
  /** Data of completed jobs, in the order of completion. */
  readonly loaded: string[] = []
  readonly #jobs = new Map<string, Recorded>()
  readonly #server = createServer((request, response) => void this.#handle(request, response))
  #special: Special = () => undefined
  #waiting: (() => void)[] | null = null
  url = ''

  static async start(special?: Special): Promise<BigQuery> {
    const server = new BigQuery()
    if (special !== undefined) server.#special = special
    server.url = `http://127.0.0.1:${await listen(server.#server)}`
    return server
  }

  hold(): void {
    this.#waiting = []
  }

  release(): void {
    for (const go of this.#waiting ?? []) go()
    this.#waiting = null
  }

  get held(): number {
    return this.#waiting?.length ?? 0
  }

  cut(): void {
    this.#server.closeAllConnections()
  }

  close(): void {
    this.#server.close()
    this.cut()
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = request.url!.split('?')
    const type = request.headers['content-type'] ?? ''
    const body = (await bytesOf(request)).toString('latin1')
    const seen = { method: request.method!, path, query, ...partsOf(type, body) }
    this.requests.push(seen)
    const [status, document] = this.#special(seen, this.requests.length) ?? (await this.#usual(seen))
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  }

  async #usual(request: Recorded): Promise<Answer> {
    const { method, path, document } = request
    if (method === 'GET' && /^\/projects\/p\/datasets\/d(?:\/tables\/\w+)?$/.test(path))
      return [200, { location: 'EU' }]
    if (method === 'POST' && path === '/upload/bigquery/v2/projects/p/jobs' && document !== undefined) {
      if (this.#waiting !== null) await new Promise<void>(resolve => this.#waiting!.push(resolve))
      const { jobId } = document.jobReference
      if (this.#jobs.has(jobId!)) return [409, errorOf('Already Exists: Job p:US.x', 'duplicate')]
      this.#jobs.set(jobId!, request)
      return [200, { jobReference: { ...document.jobReference, location: 'US' }, status: { state: 'PENDING' } }]
    }
    const job = this.#jobs.get(/^\/projects\/p\/jobs\/(\w+)$/.exec(path)?.[1] ?? '')
    if (method !== 'GET' || job === undefined) return [501, errorOf(`unexpected: ${method} ${path}`, 'notImplemented')]
    if (job.data!.includes('poison')) {
      const first = { reason: 'invalid', message: 'Error while reading data.' }
      const second = { reason: 'invalid', location: 'query', message: 'JSON parsing error.' }
      return [200, { status: { state: 'DONE', errorResult: first, errors: [first, second] } }]
    }
    this.loaded.push(job.data!)
    return [200, { status: { state: 'DONE' }, statistics: {} }]
  }
}

const errorOf = (message: string, reason: string) => ({ error: { message, errors: [{ reason }] } })

/** The two parts of an upload. */
function partsOf(type: string, body: string): Pick<Recorded, 'document' | 'data'> {
  const boundary = /^multipart\/related; boundary=(\S+)$/.exec(type)?.[1]
  if (boundary === undefined) return {}
  const [, first = '', second = ''] = body.split(`--${boundary}`)
  const content = (part: string) => part.slice(part.indexOf('\r\n\r\n') + 4, -2)
  // Compared as a whole with the recording.
  const document = JSON.parse(content(first)) as NonNullable<Recorded['document']>
  return { document, data: content(second) }
}

async function started(special?: Special): Promise<BigQuery> {
  const server = await BigQuery.start(special)
  after(() => server.close())
  return server
}

const own = { project: 'p', dataset: 'd', table: 't' }

/** A request without the parts that differ between runs or only affect how the response is formatted. */
function comparable({ method, path, query, document, data }: Recorded) {
  const { alt: _alt, prettyPrint: _pretty, ...rest } = Object.fromEntries(new URLSearchParams(query))
  return {
    method,
    path: path.replace(/(?<=\/jobs\/).*/, 'ID'),
    query: rest,
    ...(document !== undefined && {
      document: { ...document, jobReference: { ...document.jobReference, jobId: 'ID' } },
      data,
    }),
  }
}

const configurations = {
  json: { job_labels: { team: 'x' } },
  csv: {
    job_labels: { team: 'x' },
    format: 'CSV',
    auto_detect: true,
    ignore_unknown_values: true,
    max_bad_records: 3,
    write_disposition: 'WRITE_TRUNCATE',
    create_disposition: 'CREATE_NEVER',
    csv: {
      header: ['a', 'é'],
      field_delimiter: ';',
      allow_jagged_rows: true,
      allow_quoted_newlines: true,
      encoding: 'ISO-8859-1',
      skip_leading_rows: 2,
    },
  },
}

for (const name of ['json', 'csv'] as const) {
  test(`gcp_bigquery: sends the same requests as the original (${name})`, async () => {
    const server = await started()
    const config = { ...own, table: '${! "t" + json("a").string() }', endpoint: server.url, ...configurations[name] }
    const sender = await Sender.start({ gcp_bigquery: config })
    await sender.send('{"a":1,"b":"x"}', '{"a":2,"b":"x"}')
    await sender.send('{"a":3,"b":"x"}', '{"a":4,"b":"x"}')
    await sender.close()
    assert.deepEqual(server.requests.map(comparable), recorded[name].map(comparable))
    assert.equal(server.loaded.length, 2)
  })
}

test('gcp_bigquery: a failed job reports all of its errors and fails every message of its batch', async () => {
  const server = await started()
  const sender = await Sender.start({ gcp_bigquery: { ...own, endpoint: server.url } })
  await assert.rejects(sender.send('{"a":1}', '{"a":"poison"}'), {
    message:
      'failed to complete bigquery job successfully: Error while reading data. (invalid); JSON parsing error. (invalid, query)',
  })
  assert.deepEqual(server.loaded, [])
  await sender.close()
})

test('gcp_bigquery: bad records within max_bad_records fail no message', async () => {
  const bad = { status: { state: 'DONE', errors: [{ reason: 'invalid', message: 'bad' }] } }
  const server = await started(({ path }) => (path.includes('/jobs/') ? [200, bad] : undefined))
  const sender = await Sender.start({ gcp_bigquery: { ...own, endpoint: server.url, max_bad_records: 1 } })
  await sender.send('{"a":1}')
  await sender.close()
})

test('gcp_bigquery: waits for the job, and does not start it twice when the response is lost', async () => {
  let [uploads, polls] = [0, 0]
  const server = await started(({ method, path }) => {
    // The service has accepted the job, but the response is lost.
    if (method === 'POST') return ++uploads === 1 ? [503, {}] : [409, errorOf('Already Exists', 'duplicate')]
    if (!path.includes('/jobs/')) return undefined
    return [200, { status: { state: ++polls < 3 ? 'RUNNING' : 'DONE' } }]
  })
  const sender = await Sender.start({ gcp_bigquery: { ...own, endpoint: server.url } })
  await sender.send('{"a":1}')
  assert.deepEqual([uploads, polls], [2, 3])
  const ids = server.requests.flatMap(({ document }) => document?.jobReference['jobId'] ?? [])
  assert.equal(new Set(ids).size, 1)
  // A job runs where its dataset is located, unless configured otherwise.
  assert.match(server.requests.at(-1)!.query, /location=EU/)
  await sender.close()
})

test('gcp_bigquery: reports a missing dataset or table until it exists', async () => {
  for (const [what, missing] of [
    ['dataset', /\/datasets\/d$/],
    ['table', /\/tables\/t$/],
  ] as const) {
    let exists = false
    const server = await started(({ path }) =>
      !exists && missing.test(path) ? [404, errorOf('Not found', 'notFound')] : undefined,
    )
    const sender = await Sender.start({
      gcp_bigquery: { ...own, endpoint: server.url, create_disposition: 'CREATE_NEVER' },
    })
    const name = own[what]
    while (!sender.log.join('\n').includes(`${what} does not exist: ${name}`)) await sleep(20)
    exists = true
    await sender.send('{"a":1}')
    await sender.close()
  }
})

test('gcp_bigquery: column names are quoted, and characters outside the encoding are refused', async () => {
  const server = await started()
  const csv = { header: ['a "b"', 'ü'] }
  const sender = await Sender.start({ gcp_bigquery: { ...own, endpoint: server.url, format: 'CSV', csv } })
  await sender.send('1,2')
  await sender.close()
  assert.deepEqual(server.loaded, [Buffer.from('"a ""b""","ü"\n1,2').toString('latin1')])
  for (const [field, bad] of [
    ['header', { header: ['€'] }],
    ['field_delimiter', { field_delimiter: '€' }],
  ] as const) {
    const config = { ...own, endpoint: server.url, format: 'CSV', csv: { ...bad, encoding: 'ISO-8859-1' } }
    await assert.rejects(
      Sender.start({ gcp_bigquery: config }),
      new RegExp(`error parsing csv.${field} field: ISO-8859-1 has no '€'`),
    )
  }
})

outputContract('gcp_bigquery', rig, {
  inFlight: 'many',
  async open() {
    const server = await BigQuery.start()
    return {
      config: (maxInFlight = 64) =>
        JSON.stringify({ gcp_bigquery: { ...own, endpoint: server.url, max_in_flight: maxInFlight } }),
      poison: 'poison',
      delivered: () => server.loaded.flatMap(data => data.split('\n')),
      hold: () => server.hold(),
      release: () => server.release(),
      held: () => server.held,
      cut: () => server.cut(),
      close: () => server.close(),
    }
  },
})
