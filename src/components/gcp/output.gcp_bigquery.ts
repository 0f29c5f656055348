import { Buffer } from 'node:buffer'
import { fieldsOf } from '../../base/index.ts'
import {
  Backoff,
  type Batch,
  batchingField,
  ConfigError,
  defineOutput,
  evaluated,
  field,
  type Infer,
  maxInFlightField,
  type Output,
  pause,
  type Resources,
} from '../../engine/index.ts'
import { GcpError, GcpRest } from './rest-client.ts'
import { addressOfEndpoint, credentialsFields, credentialsHelp, gcpConfig, GcpSession, isPlain } from './session.ts'

const config = gcpConfig(
  {
    project: field
      .string(
        'The project of the dataset; without it that of the variable `GOOGLE_CLOUD_PROJECT`, or of the credentials.',
      )
      .default(''),
    dataset: field.string('The dataset.'),
    table: field.interpolated('The table that a batch is loaded into; evaluated for its first message.'),
    endpoint: field
      .string('Another address of the API. It is sent no credentials, unless `credentials_json` is set.')
      .needs('network', value => addressOfEndpoint(value))
      .default('')
      .advanced(),
    format: field
      .string('What messages are.')
      .options({ NEWLINE_DELIMITED_JSON: 'Objects, one a line.', CSV: 'Lines of values.' })
      .default('NEWLINE_DELIMITED_JSON'),
    max_in_flight: maxInFlightField(64),
    write_disposition: field
      .string('What becomes of the rows of a table that is there.')
      .options({
        WRITE_APPEND: 'They stay.',
        WRITE_EMPTY: 'Where there are any, the batch fails.',
        WRITE_TRUNCATE: 'Those of the batch replace them.',
      })
      .default('WRITE_APPEND')
      .advanced(),
    create_disposition: field
      .string('Whether a table is made that is not there.')
      .options({ CREATE_IF_NEEDED: 'It is made.', CREATE_NEVER: 'The batch fails.' })
      .default('CREATE_IF_NEEDED')
      .advanced(),
    ignore_unknown_values: field
      .bool('Whether values that the table has no column for are left out, instead of making a bad record.')
      .default(false)
      .advanced(),
    max_bad_records: field
      .int('How many bad records of a batch are left out; with more it fails.')
      .default(0)
      .advanced(),
    auto_detect: field
      .bool(
        'Whether BigQuery guesses the columns and their types. A table that is to be made needs it; a text such as `no` may become a boolean in CSV.',
      )
      .default(false)
      .advanced(),
    job_labels: field.string('Labels of the load jobs, by their keys.').map().default({}),
    csv: field.object(
      {
        header: field.string('The names of the columns, which become the first line of each batch.').list().default([]),
        field_delimiter: field.string('What stands between values.').default(','),
        allow_jagged_rows: field
          .bool('Whether values at the end of a line may be missing; they are null.')
          .default(false)
          .advanced(),
        allow_quoted_newlines: field.bool('Whether quoted values may have line breaks.').default(false).advanced(),
        encoding: field
          .string('The encoding of the messages; the header is converted to it.')
          .options({ 'UTF-8': '', 'ISO-8859-1': '' })
          .default('UTF-8')
          .advanced(),
        skip_leading_rows: field
          .int('How many lines of a batch come before the values, as the header does.')
          .default(1)
          .advanced(),
      },
      'How CSV is read.',
    ),
    ...credentialsFields,
    batching: batchingField,
  },
  endpoint => endpoint !== '',
)

type Config = Infer<typeof config>

export default defineOutput({
  name: 'gcp_bigquery',
  categories: ['GCP', 'Services'],
  summary: 'Loads messages as rows into a table of Google BigQuery.',
  description: `Each batch is a load job of its own, so collect many messages: BigQuery allows a table some 1,500 load jobs a day. A message may hold several rows, a line each. Where a job fails, all messages of its batch do.

In CSV each batch begins with \`csv.header\`, or the first message of each batch has to be a header; with neither set \`csv.skip_leading_rows\` to 0.

A job whose answer is lost is not loaded twice: its id is made here, and BigQuery knows it again.

No BigQuery was at hand for the tests of this output: it is tested against requests of the original's that were recorded, and by answers as the public documentation of the API shows them.

${credentialsHelp}`,
  config,
  needs: ['network'],
  examples: [
    {
      title: 'Rows of JSON',
      config: `output:
  gcp_bigquery:
    project: my-project
    dataset: shop
    table: orders_\${! now().ts_format("20060102") }
    auto_detect: true
    batching:
      count: 10000
      period: 60s
`,
    },
  ],
  create: (options, resources) => new BigQueryOutput(options, resources),
})

const DEFAULT_ENDPOINT = 'https://bigquery.googleapis.com/bigquery/v2'
const SCOPE = 'https://www.googleapis.com/auth/bigquery'
/** Bytes per request, as in Google's own clients. */
const CHUNK_BYTES = 16 * 1024 * 1024
const FIRST_POLL_MS = 500
const LONGEST_POLL_MS = 10_000

/** Where jobs and tables are located. */
interface Place {
  readonly project: string
  /** Jobs outside the US and the EU can only be found with it. */
  readonly location: string
}

class BigQueryOutput implements Output {
  readonly #config: Config
  readonly #resources: Resources
  readonly #session: GcpSession
  readonly #rest: GcpRest
  /** The path prefix of all requests except uploads. */
  readonly #base: string
  /** The first line of each batch. */
  readonly #header: Buffer | undefined
  #place: Place | undefined

  constructor(options: Config, resources: Resources) {
    const { endpoint, credentials_json: key, csv, format } = options
    const base = URL.parse(/^(?:https?:\/\/|$)/.test(endpoint) ? endpoint || DEFAULT_ENDPOINT : `https://${endpoint}`)
    if (base === null)
      throw new ConfigError(`endpoint '${endpoint}' is no URL; expected http://host:port or https://host`)
    this.#config = options
    this.#resources = resources
    this.#session = new GcpSession(options, resources)
    this.#base = base.pathname.replace(/\/+$/, '')
    const isAnonymous = endpoint !== '' && (key === '' || isPlain(endpoint))
    const settings = { endpoint: base.origin, scope: isAnonymous ? undefined : SCOPE }
    this.#rest = new GcpRest(settings, this.#session, resources)
    if (format === 'CSV') this.#header = headerOf(csv)
  }

  async connect(signal: AbortSignal): Promise<void> {
    const { dataset, table, create_disposition: creates, project: explicit } = this.#config
    const project = explicit || (await this.#session.project())
    const path = `${this.#base}/projects/${encodeURIComponent(project)}/datasets/${encodeURIComponent(dataset)}`
    const found = await this.#checked('dataset', dataset, path, signal)
    if (creates === 'CREATE_NEVER' && table.static !== null) {
      await this.#checked('table', table.static, `${path}/tables/${encodeURIComponent(table.static)}`, signal)
    }
    this.#place = { project, location: textOf(found['location']) }
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    const table = evaluated('table key', () => this.#config.table.eval(batch, 0))
    const place = this.#place!
    const jobId = `penstock_${Buffer.from(this.#resources.host.randomBytes(16)).toString('hex')}`
    const location = await this.#insert(place, jobId, table, this.#dataOf(batch), signal)
    throwFailureOf(await this.#ended(place.project, jobId, location, signal))
  }

  close(): Promise<void> {
    return this.#rest.close()
  }

  /** Fetches a resource that must exist. */
  async #checked(what: string, name: string, path: string, signal: AbortSignal) {
    try {
      return await this.#rest.request({ operation: `Get ${what}`, method: 'GET', path, signal })
    } catch (error) {
      if (error instanceof GcpError && error.status === 404) {
        throw new Error(`${what} does not exist: ${name}`, { cause: error })
      }
      throw error
    }
  }

  /** The messages after the header, one per line. */
  #dataOf(batch: Batch): Buffer {
    const pieces: Uint8Array[] = this.#header === undefined ? [] : [this.#header]
    for (const message of batch) {
      // Empty messages at the start are not lines.
      if (pieces.length > 0) pieces.push(NEWLINE)
      const bytes = message.bytes()
      if (bytes.length > 0 || pieces.length > 0) pieces.push(bytes)
    }
    return Buffer.concat(pieces)
  }

  /** Starts a job and returns where it runs. */
  async #insert({ project, location }: Place, jobId: string, table: string, data: Buffer, signal: AbortSignal) {
    try {
      const answer = await this.#rest.upload({
        operation: 'Insert job',
        path: `/upload/bigquery/v2/projects/${encodeURIComponent(project)}/jobs`,
        document: {
          configuration: this.#configurationOf(project, table),
          jobReference: { jobId, projectId: project },
        },
        contentType: 'application/octet-stream',
        data,
        chunkBytes: CHUNK_BYTES,
        signal,
      })
      return textOf(fieldsOf(answer['jobReference'])['location']) || location
    } catch (error) {
      // The id is new: if the service already knows it, the response to an earlier attempt was lost.
      if (error instanceof GcpError && error.status === 409) return location
      throw error
    }
  }

  #configurationOf(projectId: string, tableId: string): object {
    const own = this.#config
    const { csv } = own
    const load = {
      sourceFormat: own.format,
      createDisposition: own.create_disposition,
      writeDisposition: own.write_disposition,
      destinationTable: { projectId, datasetId: own.dataset, tableId },
      autodetect: own.auto_detect || undefined,
      ignoreUnknownValues: own.ignore_unknown_values || undefined,
      maxBadRecords: own.max_bad_records || undefined,
      ...(own.format === 'CSV' && {
        fieldDelimiter: csv.field_delimiter || undefined,
        allowJaggedRows: csv.allow_jagged_rows || undefined,
        allowQuotedNewlines: csv.allow_quoted_newlines || undefined,
        encoding: csv.encoding,
        skipLeadingRows: csv.skip_leading_rows || undefined,
      }),
    }
    const hasLabels = Object.keys(own.job_labels).length > 0
    return { load, ...(hasLabels && { labels: own.job_labels }) }
  }

  /** The status of a finished job; BigQuery guarantees that a job finishes within hours. */
  async #ended(project: string, jobId: string, location: string, signal: AbortSignal) {
    const backoff = new Backoff({ initialMs: FIRST_POLL_MS, maxMs: LONGEST_POLL_MS }, () =>
      this.#resources.host.random(),
    )
    const call = {
      operation: 'Get job',
      method: 'GET',
      path: `${this.#base}/projects/${encodeURIComponent(project)}/jobs/${jobId}`,
      query: { fields: 'status,statistics', ...(location !== '' && { location }) },
      signal,
    } as const
    for (;;) {
      const status = fieldsOf((await this.#rest.request(call))['status'])
      if (status['state'] === 'DONE') return status
      await pause(backoff.next() ?? LONGEST_POLL_MS, signal)
      signal.throwIfAborted()
    }
  }
}

const NEWLINE = Buffer.from('\n')

function throwFailureOf({ errorResult, errors }: Readonly<Record<string, unknown>>): void {
  // Otherwise the errors are about records that `max_bad_records` allows.
  if (errorResult === undefined) return
  const all = Array.isArray(errors) && errors.length > 0 ? errors : [errorResult]
  const texts = all.map(each => {
    const { message, reason, location } = fieldsOf(each)
    const place = [textOf(reason), textOf(location)].filter(Boolean).join(', ')
    return `${textOf(message)}${place && ` (${place})`}`
  })
  throw new Error(`failed to complete bigquery job successfully: ${texts.join('; ')}`)
}

/** The header in the encoding of the messages; undefined if there is none. */
function headerOf({ header, field_delimiter: delimiter, encoding }: Config['csv']): Buffer | undefined {
  const encode = (name: string, text: string) => {
    if (encoding === 'UTF-8') return Buffer.from(text)
    const other = [...text].find(character => character.codePointAt(0)! > 0xff)
    if (other !== undefined) throw new ConfigError(`error parsing csv.${name} field: ${encoding} has no '${other}'`)
    return Buffer.from(text, 'latin1')
  }
  encode('field_delimiter', delimiter)
  if (header.length === 0) return undefined
  return encode('header', header.map(name => `"${name.replaceAll('"', '""')}"`).join(delimiter))
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
