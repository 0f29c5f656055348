import type { ArrayOrObject, QueryOptions, types } from 'cassandra-driver'
import { fieldsOf, messageOf } from '../../base/index.ts'
import { isArray, typeOf } from '../../bloblang/index.ts'
import {
  type Batch,
  batchingField,
  defineOutput,
  field,
  type Infer,
  maxInFlightField,
  type Output,
  type Resources,
} from '../../engine/index.ts'
import { clientFields, Cluster, type Connected } from './client.ts'
import { type CqlType, toCql } from './values.ts'

/** Consistency levels, with the driver's names for them. */
const consistencies = {
  ANY: 'any',
  ONE: 'one',
  TWO: 'two',
  THREE: 'three',
  QUORUM: 'quorum',
  ALL: 'all',
  LOCAL_QUORUM: 'localQuorum',
  EACH_QUORUM: 'eachQuorum',
  LOCAL_ONE: 'localOne',
} as const satisfies Readonly<Record<string, keyof typeof types.consistencies>>

const config = field.object({
  ...clientFields,
  query: field.string('The statement to run for each message, with a `?` for each argument.'),
  args_mapping: field
    .mapping('The arguments of the statement: an array with one element per `?`.')
    .optional()
    .examples('root = [ this.id, this.content, this.timestamp ]', 'root = [ this ]'),
  consistency: field
    .string('How many replicas must acknowledge a message before it counts as delivered.')
    .options(Object.fromEntries(Object.keys(consistencies).map(name => [name, ''])))
    .default('QUORUM')
    .advanced(),
  logged_batch: field
    .bool('Whether a batch is written atomically, which not every server with this protocol supports.')
    .default(true)
    .advanced(),
  max_in_flight: maxInFlightField(64),
  batching: batchingField,
})

type Config = Infer<typeof config>

export default defineOutput({
  name: 'cassandra',
  summary: 'Runs a statement for each message in Cassandra, or in any server that speaks its protocol.',
  description: `The messages of a batch are sent in one request, and succeed or fail together. Cassandra rejects large batches: by default it warns above 5 KiB and fails above 50 KiB.

Arguments are converted to the types of the columns. A \`timestamp\` accepts a timestamp, an RFC 3339 string (\`2006-01-02T15:04:05Z07:00\`), or seconds since 1970; a \`text\` accepts any value, with objects and arrays as JSON; numbers keep all their digits; collections, tuples, user-defined types and vectors accept arrays and objects. A message with a value that does not fit fails.

A request is retried, at the intervals of \`backoff\`, if too few replicas were available, or none had it in time. Nodes are used in turn. With \`tls\`, the certificate of a node must be valid for its address, or for a name in \`addresses\`.`,
  config,
  needs: ['network'],
  requires: ['cassandra-driver'],
  examples: [
    {
      title: 'Columns',
      summary:
        'For a table created with `CREATE TABLE foo.bar (id int PRIMARY KEY, content text, created_at timestamp)`.',
      config: `output:
  cassandra:
    addresses: [ localhost:9042 ]
    query: INSERT INTO foo.bar (id, content, created_at) VALUES (?, ?, ?)
    args_mapping: root = [ this.id, this.content, this.timestamp ]
    batching:
      count: 100
      period: 1s
`,
    },
    {
      title: 'Documents',
      summary: 'The fields of a document become the columns of a row.',
      config: `output:
  cassandra:
    addresses: [ localhost:9042 ]
    query: INSERT INTO foo.bar JSON ?
    args_mapping: root = [ this ]
`,
    },
  ],
  create: (options, resources) => new CassandraOutput(options, resources),
})

class CassandraOutput implements Output {
  readonly #config: Config
  readonly #resources: Resources
  readonly #cluster: Cluster

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#cluster = new Cluster(options, resources)
  }

  connect(): Promise<void> {
    return this.#cluster.connect()
  }

  async write(batch: Batch): Promise<void> {
    await this.#cluster.run(connected => this.#write(connected, batch))
  }

  close(): Promise<void> {
    return this.#cluster.close()
  }

  async #write(connected: Connected, batch: Batch): Promise<void> {
    const { client, types: library } = connected
    const { query, logged_batch: logged, consistency: level } = this.#config
    const wanted = await connected.argumentsOf(query)
    const rows = batch.map((_, index) => this.#argumentsOf(batch, index, wanted, library))
    const name = consistencies[level as keyof typeof consistencies] // the field has no other options
    const options: QueryOptions = { prepare: true, consistency: library.consistencies[name] }
    await this.#repeated(connected, () =>
      rows.length === 1
        ? client.execute(query, rows[0], options)
        : client.batch(
            rows.map(params => ({ query, params })),
            { ...options, logged },
          ),
    )
  }

  /** Evaluates the mapping for a message and converts the result for the driver. */
  #argumentsOf(batch: Batch, index: number, wanted: readonly CqlType[], library: typeof types): ArrayOrObject {
    const { args_mapping: mapping } = this.#config
    const where = batch.length === 1 ? 'parsing args' : `parsing args for part: ${index}`
    if (mapping === undefined || mapping === null) return []
    try {
      const value = mapping.run(batch, index)
      if (!isArray(value)) throw new Error(`expected the mapping to result in an array, got ${typeOf(value)}`)
      // The server checks the number of arguments and reports what is missing or superfluous.
      const text = { code: library.dataTypes.text }
      return value.map((each, place) => toCql(each, wanted[place] ?? text, library))
    } catch (error) {
      throw new Error(`${where}: ${messageOf(error)}`, { cause: error })
    }
  }

  /** Retries a request while it may succeed, up to the configured number of times. */
  async #repeated(connected: Connected, send: () => Promise<unknown>): Promise<void> {
    const { max_retries: retries, backoff } = this.#config
    const { initial_interval: initialMs = 1000, max_interval: maxMs = 5000 } = backoff
    for (let attempt = 1; ; attempt++) {
      try {
        await send()
        return
      } catch (error) {
        if (attempt > retries || !mayRepeat(error, connected)) throw error
        const jitterMs = (this.#resources.host.random() - 0.5) * initialMs
        const pauseMs = Math.min(maxMs, initialMs * 2 ** (attempt - 1) + jitterMs)
        this.#resources.log.warn(`Sending again after ${Math.round(pauseMs)} ms: ${messageOf(error)}`)
        await this.#resources.wait(pauseMs)
      }
    }
  }
}

/** Whether no replica has stored the write: too few were available, or none responded in time. */
function mayRepeat(error: unknown, { errors, types: { responseErrorCodes } }: Connected): boolean {
  if (!(error instanceof errors.ResponseError)) return false
  if (error.code === responseErrorCodes.unavailableException) return true
  return error.code === responseErrorCodes.writeTimeout && fieldsOf(error)['received'] === 0
}
