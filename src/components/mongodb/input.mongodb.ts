import type { AggregationCursor, Document, FindCursor } from 'mongodb'
import type { Value } from '../../bloblang/index.ts'
import {
  autoReplayNacksField,
  ConfigError,
  defineInput,
  deliverBatch,
  deliverEach,
  type Delivery,
  field,
  type Infer,
  type Input,
  Message,
  NotConnectedError,
  type Resources,
} from '../../engine/index.ts'
import { ClientHolder, clientFields, jsonOf, marshalModeField, toBson, translated } from './client.ts'

/** Documents read together if `batch_size` is not set. */
const CHUNK_DOCUMENTS = 500

const config = field.object({
  ...clientFields,
  collection: field.string('The collection.'),
  operation: field
    .string('How documents are selected.')
    .options({ find: 'By a filter.', aggregate: 'By an aggregation pipeline.' })
    .default('find')
    .advanced(),
  json_marshal_mode: marshalModeField,
  query: field
    .mapping(
      'The filter or the stages of the pipeline. A timestamp becomes a date, and extended JSON is not interpreted.',
    )
    .examples('root.from = {"$lte": timestamp_unix()}\nroot.to = {"$gte": timestamp_unix()}'),
  auto_replay_nacks: autoReplayNacksField,
  batch_size: field
    .int('The number of documents per batch. By default each document is its own batch.')
    .optional()
    .examples(1000),
  sort: field
    .int('The fields to sort by: `1` for ascending, `-1` for descending order. For `find`.')
    .map()
    .optional()
    .examples({ name: 1 }, { age: -1 }),
  limit: field.int('The maximum number of documents. For `find`.').optional(),
})

export default defineInput({
  name: 'mongodb',
  categories: ['Services'],
  version: '1.0.0',
  summary: 'Runs a MongoDB query and makes each document a message.',
  description:
    'The input ends after the last document. Messages have the metadata `mongo_database` and `mongo_collection`. An interrupted query is repeated from the start.',
  config,
  requires: ['mongodb'],
  create(parsed, resources) {
    if (parsed.batch_size !== undefined && parsed.batch_size < 1) throw new ConfigError('batch_size must be >0')
    return new MongoInput(parsed, resources)
  },
})

class MongoInput implements Input {
  readonly #config: Infer<typeof config>
  readonly #holder: ClientHolder
  readonly #query: Value
  readonly #metadata: ReadonlyMap<string, Value>
  #cursor: FindCursor | AggregationCursor | null = null

  constructor(parsed: Infer<typeof config>, resources: Resources) {
    this.#config = parsed
    this.#holder = new ClientHolder(parsed, resources)
    // An empty mapping is null.
    this.#query = (parsed.query?.run([Message.fromText('')], 0) ?? {}) as Value
    this.#metadata = new Map([
      ['mongo_database', parsed.database],
      ['mongo_collection', parsed.collection],
    ])
  }

  async connect(): Promise<void> {
    const { client, bson } = await this.#holder.connect()
    const { operation, sort, limit, batch_size: batchSize } = this.#config
    const collection = client.db(this.#config.database).collection(this.#config.collection)
    const options = { promoteValues: false, batchSize: batchSize ?? CHUNK_DOCUMENTS }
    const query = toBson(this.#query, bson)
    if (operation === 'aggregate') {
      // The driver rejects anything other than an array.
      this.#cursor = collection.aggregate(query as Document[], options)
      return
    }
    const cursor = collection.find(query as Document, options) // the object returned by a mapping, converted to BSON
    if (sort !== undefined) cursor.sort(sort as Record<string, 1 | -1>) // the server rejects other directions
    if (limit !== undefined && limit > 0) cursor.limit(limit)
    this.#cursor = cursor
  }

  async read(): Promise<Delivery | null> {
    const cursor = this.#cursor
    if (cursor === null) throw new NotConnectedError()
    try {
      const first: unknown = await cursor.next()
      if (first === null) return null
      const size = this.#config.batch_size ?? CHUNK_DOCUMENTS
      const messages = [first, ...cursor.readBufferedDocuments(size - 1)].map(document => this.#messageOf(document))
      return this.#config.batch_size === undefined ? deliverEach(messages) : deliverBatch(messages, () => undefined)
    } catch (error) {
      this.#cursor = null
      await cursor.close().catch(() => undefined) // a lost cursor cannot be closed
      throw translated(error)
    }
  }

  async close(): Promise<void> {
    await this.#cursor?.close().catch(() => undefined) // a lost cursor cannot be closed
    await this.#holder.close()
  }

  #messageOf(document: unknown): Message {
    return Message.fromText(jsonOf(this.#holder.get().bson, document, this.#config.json_marshal_mode), this.#metadata)
  }
}
