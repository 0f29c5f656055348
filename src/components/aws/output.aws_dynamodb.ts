import type { AttributeValue, DynamoDBClient, WriteRequest } from '@aws-sdk/client-dynamodb'
import { asError } from '../../base/index.ts'
import { type Interpolation, toText, type Value } from '../../bloblang/index.ts'
import {
  type Batch,
  batchingField,
  ConfigError,
  defineOutput,
  evaluated,
  field,
  type Infer,
  maxInFlightField,
  parseDuration,
  type Resources,
} from '../../engine/index.ts'
import { BulkOutput, type BulkService, type Outcome } from './bulk-output.ts'
import { attributeKey, attributeOf } from './dynamodb-values.ts'
import { valueAtPath } from './paths.ts'
import { isFinal, retryFieldsOf } from './retries.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

const config = awsConfig({
  table: field.string('The table.'),
  string_columns: field.interpolated('Strings to store, by column.').map().default({}).examples({
    id: '${!json("id")}',
    title: '${!json("body.title")}',
    topic: '${!meta("kafka_topic")}',
    full_content: '${!content()}',
  }),
  json_map_columns: field
    .string('Paths into the message document, by the column that stores the value.')
    .map()
    .default({})
    .examples({ user: 'path.to.user', whole_document: '.' }, { '': '.' }),
  omit_if_empty: field
    .bool('Whether a column whose path does not exist is omitted rather than stored as NULL.')
    .default(false)
    .advanced(),
  ttl: field.string('The time to live of an item, counted from the write.').default('').advanced(),
  ttl_key: field.string('The column that holds the expiry time of an item.').default('').advanced(),
  json_number_type: field
    .string('How numbers of a document are stored.')
    .options({
      string: 'As strings, as the original has always done.',
      number: 'As numbers, which DynamoDB limits to 38 digits.',
    })
    .default('string')
    .advanced(),
  delete: field
    .object(
      {
        condition: field
          .mapping('A mapping that returns `true` for messages that delete an item instead of storing one.')
          .default('')
          .advanced()
          .since('1.10.0')
          .examples('root = this.isDelete == "true"'),
        partition_key: field
          .string('The column of the partition key, one of `string_columns` or `json_map_columns`.')
          .default('')
          .advanced()
          .since('1.10.0'),
        sort_key: field
          .string('The column of the sort key, one of `string_columns` or `json_map_columns`.')
          .default('')
          .advanced()
          .since('1.10.0'),
      },
      'Which messages delete items.',
    )
    .optional()
    .advanced()
    .since('1.10.0'),
  max_in_flight: maxInFlightField(64),
  batching: batchingField,
  ...sessionFields,
  ...retryFieldsOf(3),
}).lint(lintColumns)

type Config = Infer<typeof config>

function lintColumns(value: unknown): string | undefined {
  const {
    string_columns: texts,
    json_map_columns: paths,
    delete: deletion,
  } = value as Partial<Record<string, Readonly<Record<string, unknown>>>> // these fields are maps
  if (Object.keys(texts ?? {}).length === 0 && Object.keys(paths ?? {}).length === 0) {
    return 'at least one of: string_columns or json_map_columns must be specified'
  }
  const { condition = '', partition_key: key = '' } = deletion ?? {}
  if (condition !== '' && key === '') {
    return 'If you provide a delete.condition you must also provide a delete.partition_key'
  }
  if (key !== '' && condition === '') {
    return 'If you provide a delete.partition_key you must also provide a delete.condition'
  }
  return undefined
}

export default defineOutput({
  name: 'aws_dynamodb',
  categories: ['Services', 'AWS'],
  summary: 'Stores messages as items in a DynamoDB table, or deletes items.',
  description: `\`string_columns\` sets columns to interpolated strings, \`json_map_columns\` to values from the message document: the path \`.\` selects the whole document, and an empty column name stores the members of a value as columns.

Up to 25 messages are sent per request, even without \`batching\`. Items that DynamoDB leaves unprocessed are resent. If it rejects a request as a whole, for instance because of one invalid item or two changes to the same item, the messages are sent one by one, so that only the invalid ones fail.

${credentialsHelp}`,
  config,
  needs: ['network'],
  requires: ['@aws-sdk/client-dynamodb'],
  examples: [
    {
      title: 'Store and delete',
      config: `output:
  aws_dynamodb:
    table: Music
    json_map_columns:
      uuid: uuid
      title: title
      year: year
    delete:
      condition: root = this.isDelete == true
      partition_key: uuid
`,
    },
  ],
  create: (options, resources) => new BulkOutput(new DynamoService(options, resources), options, resources),
})

class DynamoService implements BulkService<WriteRequest> {
  readonly maxCount = 25
  readonly maxBytes = 16 * 1024 * 1024
  readonly #config: Config
  readonly #resources: Resources
  readonly #session: AwsSession
  readonly #numbersAsN: boolean
  readonly #ttlMs: number
  #library: typeof import('@aws-sdk/client-dynamodb') | undefined
  #client: DynamoDBClient | undefined

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#session = new AwsSession(options, resources)
    this.#numbersAsN = options.json_number_type === 'number'
    this.#ttlMs = ttlOf(options.ttl)
  }

  async connect(): Promise<void> {
    this.#library = (await import('@aws-sdk/client-dynamodb')).default
    this.#client ??= new this.#library.DynamoDBClient(await this.#session.clientOptions('DYNAMODB'))
    const { table } = this.#config
    const { Table } = await this.#client.send(new this.#library.DescribeTableCommand({ TableName: table }))
    if (Table?.TableStatus !== 'ACTIVE') throw new Error(`dynamodb table '${table}' must be active`)
  }

  entryOf(batch: Batch, index: number): WriteRequest {
    const condition = this.#config.delete?.condition ?? null
    if (condition !== null && isTrue(condition.run(batch, index))) {
      return { DeleteRequest: { Key: this.#keyOf(batch, index) } }
    }
    return { PutRequest: { Item: this.#itemOf(batch, index) } }
  }

  sizeOf(entry: WriteRequest): number {
    return attributeKey(entry).length
  }

  async send(entries: readonly WriteRequest[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const { table } = this.#config
    let unprocessed: readonly WriteRequest[]
    try {
      const { UnprocessedItems = {} } = await this.#client!.send(
        new this.#library!.BatchWriteItemCommand({ RequestItems: { [table]: [...entries] } }),
        { abortSignal: signal },
      )
      unprocessed = UnprocessedItems[table] ?? []
    } catch (error) {
      if (!isFinal(error) || entries.length === 1) throw error
      return this.#sendOneByOne(entries, signal)
    }
    if (unprocessed.length === 0) return entries.map(() => null)
    const left = new Set(unprocessed.map(attributeKey))
    const error = new Error('dynamodb did not process the item')
    return entries.map(entry => (left.has(attributeKey(entry)) ? { error, isFinal: false } : null))
  }

  close(): void {
    this.#client?.destroy()
  }

  async #sendOneByOne(entries: readonly WriteRequest[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const { DeleteItemCommand, PutItemCommand } = this.#library!
    const { table: TableName } = this.#config
    const outcomes: Outcome[] = []
    for (const { DeleteRequest, PutRequest } of entries) {
      try {
        if (DeleteRequest === undefined) {
          const put = new PutItemCommand({ TableName, Item: PutRequest!.Item })
          await this.#client!.send(put, { abortSignal: signal })
        } else {
          const deletion = new DeleteItemCommand({ TableName, Key: DeleteRequest.Key })
          await this.#client!.send(deletion, { abortSignal: signal })
        }
        outcomes.push(null)
      } catch (error) {
        outcomes.push({ error: asError(error), isFinal: isFinal(error) })
      }
    }
    return outcomes
  }

  #itemOf(batch: Batch, index: number): Record<string, AttributeValue> {
    const own = this.#config
    const item: Record<string, AttributeValue> = {}
    if (this.#ttlMs !== 0 && own.ttl_key !== '') {
      item[own.ttl_key] = { N: String(Math.floor((this.#resources.clock.now() + this.#ttlMs) / 1000)) }
    }
    for (const [column, text] of Object.entries(own.string_columns))
      item[column] = this.#text(column, text, batch, index)
    const paths = Object.entries(own.json_map_columns)
    if (paths.length === 0) return item
    const document = batch[index]!.structured()
    for (const [column, path] of paths) {
      const value = found(document, path)
      if (value === undefined && own.omit_if_empty) continue
      const attribute = attributeOf(value, this.#numbersAsN)
      if (column === '' && attribute.M !== undefined) Object.assign(item, attribute.M)
      else item[column] = attribute
    }
    return item
  }

  #keyOf(batch: Batch, index: number): Record<string, AttributeValue> {
    const { string_columns: texts, json_map_columns: paths, delete: deletion } = this.#config
    const columns = [deletion?.partition_key ?? '', deletion?.sort_key ?? ''].filter(column => column !== '')
    return Object.fromEntries(
      columns.map(column => {
        const text = texts[column]
        if (text !== undefined) return [column, this.#text(column, text, batch, index)]
        return [column, attributeOf(found(batch[index]!.structured(), paths[column] ?? '.'), this.#numbersAsN)]
      }),
    )
  }

  #text(column: string, text: Interpolation, batch: Batch, index: number): AttributeValue {
    return { S: evaluated(`string column ${column}`, () => text.eval(batch, index)) }
  }
}

/** The value at a path of a document, the whole document for `.`; undefined if there is none. */
function found(document: Value, path: string): Value | undefined {
  return path === '.' || path === '' ? document : valueAtPath(document, path)
}

/** Converts a result to a boolean the way Go parses one. */
function isTrue(result: Value): boolean {
  const text = typeof result === 'boolean' ? String(result) : toText(result)
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true
  if (/^(?:0|f|F|FALSE|false|False)$/.test(text)) return false
  throw new Error(`delete condition result parse error: ${JSON.stringify(text)} is neither true nor false`)
}

function ttlOf(text: string): number {
  if (text === '') return 0
  try {
    return parseDuration(text)
  } catch (cause) {
    throw new ConfigError(`failed to parse TTL: ${asError(cause).message}`, { cause })
  }
}
