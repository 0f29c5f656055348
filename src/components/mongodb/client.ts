import { asError, messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import type { AnyBulkWriteOperation, BSON, Collection, Document, MongoClient, W, WriteConcernSettings } from 'mongodb'
import {
  Float,
  type Interpolation,
  isObject,
  JsonNumber,
  type Mapping,
  printJson,
  Timestamp,
  Uint64,
  type Value,
} from '../../bloblang/index.ts'
import {
  type Batch,
  ConfigError,
  evaluated,
  field,
  type Infer,
  type Message,
  type Need,
  NotConnectedError,
  type Resources,
} from '../../engine/index.ts'

/** URL parameters that name files, with the options of `node:tls` that take the files' contents. */
const fileParameters: Readonly<Record<string, readonly string[]>> = {
  tlsCAFile: ['ca'],
  tlsCertificateKeyFile: ['cert', 'key'],
  tlsCRLFile: ['crl'],
}

export const clientFields = {
  url: field
    .string('The URL of the server, or of the members of a replica set.')
    .needsWhen(['network', 'files'], value => needsOfUrl(String(value)))
    .examples('mongodb://localhost:27017'),
  database: field.string('The name of the database.'),
  username: field.string('The user name, if the URL has none.').default(''),
  password: field.string('The password of the user.').default('').secret(),
} as const

export const writeConcernField = field.object(
  {
    w: field.string('The number of members that must acknowledge a write, or a mode such as `majority`.').default(''),
    j: field.bool('Whether a write must be in the journal.').default(false),
    w_timeout: field.duration('How long a write waits for the members.').default(''),
  },
  'The write concern: when a write counts as done.',
)

const mapExamples = ['root.a = this.foo\nroot.b = this.bar']
export const mapFields = {
  document_map: field
    .mapping('The document to write, as extended JSON; for `insert-one`, `replace-one` and `update-one`.')
    .default('')
    .examples(...mapExamples),
  filter_map: field
    .mapping('The filter that selects documents, as extended JSON; for all operations except `insert-one`.')
    .default('')
    .examples(...mapExamples),
  hint_map: field
    .mapping('The index to use, as extended JSON; for all operations except `insert-one`.')
    .default('')
    .examples(...mapExamples),
  upsert: field
    .bool('Whether a document that is not found is inserted; for `replace-one` and `update-one`.')
    .default(false),
} as const

/** Fields of earlier versions of the original, without effect. */
export const deprecatedRetryFields = {
  max_retries: field.int('Has no effect.').default(3).deprecated(),
  backoff: field
    .object({
      initial_interval: field.string('Has no effect.').default('1s').deprecated(),
      max_interval: field.string('Has no effect.').default('5s').deprecated(),
      max_elapsed_time: field.string('Has no effect.').default('30s').deprecated(),
    })
    .deprecated(),
} as const

export const operationTexts = {
  'insert-one': 'Inserts the document.',
  'delete-one': 'Deletes the first document that matches.',
  'delete-many': 'Deletes all documents that match.',
  'replace-one': 'Replaces the first document that matches.',
  'update-one': 'Updates the first document that matches, with the operators of the document.',
} as const

export const marshalModeField = field
  .string('How documents are converted to JSON.')
  .options({
    canonical: 'Canonical extended JSON, which preserves all types: `{"$numberInt":"1"}`.',
    relaxed: 'Relaxed extended JSON, which is easier to read but loses some types: `1`.',
  })
  .default('canonical')
  .advanced()

export type ClientConfig = Infer<typeof clientFields>
type MapConfig = Infer<typeof mapFields>

/** A connected client with its library, which is loaded when the first client connects. */
export interface Connected {
  readonly client: MongoClient
  readonly bson: typeof BSON
}

/** Creates a client and waits for a server to respond. Rejects with `ping failed: …`. */
async function connectClient(config: ClientConfig, { host }: Resources): Promise<Connected> {
  const library = await import('mongodb')
  const { username, password } = config
  let client: MongoClient
  try {
    const { url, files } = withoutFiles(config.url, host.files)
    client = new library.MongoClient(url, {
      ...files,
      ...timeoutsUnless(url),
      lookup: host.network.lookup,
      ...(username === '' || password === '' ? {} : { auth: { username, password } }),
    })
  } catch (error) {
    throw new ConfigError(`error parsing uri: ${messageOf(error)}`, { cause: error })
  }
  try {
    await client.db(config.database).command({ ping: 1 })
    return { client, bson: library.BSON }
  } catch (error) {
    await client.close()
    throw new Error(`ping failed: ${messageOf(error)}`, { cause: error })
  }
}

/** The timeouts that the URL does not set: options would override those of the URL. */
function timeoutsUnless(url: string): Readonly<Record<string, number>> {
  const limits = { connectTimeoutMS: 10_000, socketTimeoutMS: 30_000, serverSelectionTimeoutMS: 30_000 }
  return Object.fromEntries(Object.entries(limits).filter(([name]) => !new RegExp(`[?&]${name}=`, 'i').test(url)))
}

/**
 * The URL without file parameters, which the library would read itself, and the files' contents. Throws `ConfigError`.
 */
function withoutFiles(
  url: string,
  files: Resources['host']['files'],
): { readonly url: string; readonly files: Readonly<Record<string, Buffer>> } {
  const contents: Record<string, Buffer> = {}
  const rest = url.replaceAll(
    /([?&])(tlsCAFile|tlsCertificateKeyFile|tlsCRLFile)=([^&]*)/g,
    (_, separator: string, name: string, path: string) => {
      const content = files.readFileSync(decodeURIComponent(path))
      for (const option of fileParameters[name]!) contents[option] = content
      return separator === '?' ? '?tls=true' : ''
    },
  )
  return { url: rest, files: contents }
}

/** Throws `ConfigError` for another scheme, and for an authentication method that would use credentials of this machine. */
function checkUrl({ url }: ClientConfig): void {
  if (!/^mongodb(?:\+srv)?:\/\//.test(url)) {
    throw new ConfigError('error parsing uri: scheme must be "mongodb" or "mongodb+srv"')
  }
  const mechanism = /[?&]authMechanism=(MONGODB-AWS|MONGODB-OIDC|GSSAPI)/i.exec(url)?.[1]
  if (mechanism !== undefined) throw new ConfigError(`authMechanism ${mechanism} is not supported by Penstock yet`)
}

function needsOfUrl(url: string): readonly Need[] {
  const [, scheme = '', hosts = '', query = ''] =
    /^(mongodb(?:\+srv)?):\/\/(?:[^@/]*@)?([^/?]*)[^?]*\??(.*)$/.exec(url) ?? []
  const network: Need[] =
    scheme === 'mongodb' && !url.includes('${')
      ? hosts.split(',').map(host => ({ capability: 'network', target: host.includes(':') ? host : `${host}:27017` }))
      : [{ capability: 'network' }]
  const parameters = new URLSearchParams(query)
  const files = Object.keys(fileParameters).flatMap(name => parameters.getAll(name))
  return [...network, ...files.map(target => ({ capability: 'files' as const, target }))]
}

function writeConcernOf({ w, j, w_timeout: wtimeoutMS }: Infer<typeof writeConcernField>): WriteConcernSettings {
  return {
    // The driver's type only allows numbers and `majority`, whereas a mode may have any name.
    ...(w === '' ? {} : { w: (/^\d+$/.test(w) ? Number(w) : w) as W }),
    journal: j,
    ...(wtimeoutMS === undefined ? {} : { wtimeoutMS }),
  }
}

export type Operation = keyof typeof operationTexts | 'find-one'

/** Throws `ConfigError` if a mapping is missing, or the operation does not use it. */
export function checkMaps(operation: Operation, maps: MapConfig): void {
  const writes = operation === 'insert-one' || operation === 'replace-one' || operation === 'update-one'
  const filters = operation !== 'insert-one'
  const refuse = (what: string) => {
    throw new ConfigError(`mongodb ${what}`)
  }
  if (filters && maps.filter_map === null) refuse('filter_map must be specified')
  if (!filters && maps.filter_map !== null) refuse(`filter_map not allowed for '${operation}' operation`)
  if (writes && maps.document_map === null) refuse('document_map must be specified')
  if (!writes && maps.document_map !== null) refuse(`document_map not allowed for '${operation}' operation`)
  if (!filters && maps.hint_map !== null) refuse(`hint_map not allowed for '${operation}' operation`)
  const upserts = operation === 'replace-one' || operation === 'update-one'
  if (!upserts && maps.upsert) refuse(`upsert not allowed for '${operation}' operation`)
}

/** The results of the mappings for a message. */
export interface Mapped {
  readonly document: Document
  readonly filter: Document
  readonly hint: Document | undefined
}

export function mapped(maps: MapConfig, bson: Connected['bson'], batch: Batch, index: number): Mapped {
  return {
    document: extended(maps.document_map, bson, batch, index) ?? {},
    filter: extended(maps.filter_map, bson, batch, index) ?? {},
    hint: extended(maps.hint_map, bson, batch, index),
  }
}

function extended(
  mapping: Mapping | null,
  { EJSON }: Connected['bson'],
  batch: Batch,
  index: number,
): Document | undefined {
  if (mapping === null) return undefined
  const value = mapping.run(batch, index)
  // A mapping that deletes its root yields nothing.
  if (typeof value === 'symbol') return undefined
  const text = typeof value === 'string' ? value : printJson(value)
  // `parse` returns whatever the text contains; the driver rejects operations on anything other than a document.
  return EJSON.parse(text, { relaxed: false }) as Document
}

export function collectionOf(collection: Interpolation, batch: Batch, index: number): string {
  return evaluated('collection', () => collection.eval(batch, index))
}

function writeModel(operation: Operation, upsert: boolean, { document, filter, hint }: Mapped): AnyBulkWriteOperation {
  const hinted = hint === undefined ? {} : { hint }
  switch (operation) {
    case 'insert-one':
      return { insertOne: { document } }
    case 'delete-one':
      return { deleteOne: { filter, ...hinted } }
    case 'delete-many':
      return { deleteMany: { filter, ...hinted } }
    case 'replace-one':
      return { replaceOne: { filter, replacement: document, upsert, ...hinted } }
    case 'update-one':
      return { updateOne: { filter, update: document, upsert, ...hinted } }
    case 'find-one':
      throw new Error('find-one writes nothing')
  }
}

/**
 * Writes in order and returns the error of each write, by index, null if it succeeded; writes after a rejected one are
 * made as well. Rejects with `NotConnectedError` if the server cannot be reached.
 */
async function writeAll(
  collection: Collection,
  models: readonly AnyBulkWriteOperation[],
): Promise<readonly (Error | null)[]> {
  const outcomes: (Error | null)[] = models.map(() => null)
  for (let from = 0; from < models.length; ) {
    try {
      await collection.bulkWrite(models.slice(from), { ordered: true })
      break
    } catch (error) {
      const refused = refusalOf(error)
      if (refused === undefined) {
        const failure = translated(error)
        if (models.length === 1 || failure instanceof NotConnectedError) throw failure
        // If the driver itself rejects a document, nothing of the whole list has been written.
        for (let at = from; at < models.length; at++) outcomes[at] = await writeOne(collection, models[at]!)
        break
      }
      outcomes[from + refused.index] = new Error(refused.message, { cause: error })
      from += refused.index + 1
    }
  }
  return outcomes
}

async function writeOne(collection: Collection, model: AnyBulkWriteOperation): Promise<Error | null> {
  try {
    return (await writeAll(collection, [model]))[0]!
  } catch (error) {
    if (error instanceof NotConnectedError) throw error
    return asError(error)
  }
}

interface WriteErrorLike {
  readonly index: number
  readonly errmsg?: string
}

/** The write that ended an ordered list; undefined if the error has another cause. */
function refusalOf(error: unknown): { readonly index: number; readonly message: string } | undefined {
  // The shape of the driver's bulk error.
  const { name, writeErrors } = error as {
    readonly name: string
    readonly writeErrors?: WriteErrorLike | WriteErrorLike[]
  }
  if (name !== 'MongoBulkWriteError') return undefined
  const [first] = [writeErrors ?? []].flat()
  return first === undefined ? undefined : { index: first.index, message: first.errmsg ?? messageOf(error) }
}

/** Connection errors make the engine reconnect. */
export function translated(error: unknown): Error {
  // A bulk write wraps the error.
  const { errorResponse } = error as { readonly errorResponse?: unknown }
  const happened = errorResponse instanceof Error ? errorResponse : asError(error)
  return connectionErrors.test(happened.name) ? new NotConnectedError(happened) : happened
}

const connectionErrors =
  /^Mongo(?:Network|ServerSelection|NotConnected|TopologyClosed|PoolClosed|PoolCleared|WaitQueueTimeout)/

/** Converts a value to BSON without interpreting extended JSON. */
export function toBson(value: Value, bson: Connected['bson']): unknown {
  if (value === null || typeof value !== 'object')
    return typeof value === 'bigint' ? bson.Long.fromBigInt(value) : value
  if (value instanceof Float) return new bson.Double(value.value)
  if (value instanceof Uint64) return bson.Long.fromBigInt(value.value)
  if (value instanceof JsonNumber)
    return /^-?\d+$/.test(value.text) ? bson.Long.fromString(value.text) : Number(value.text)
  if (value instanceof Timestamp) return new Date(Number(value.unixNanos / 1_000_000n))
  if (value instanceof Uint8Array) return new bson.Binary(Buffer.from(value))
  if (Array.isArray(value)) return value.map(each => toBson(each, bson))
  if (!isObject(value)) return undefined
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toBson(each, bson)]))
}

/** Converts a document that was read with `promoteValues: false` to JSON. */
export function jsonOf({ EJSON }: Connected['bson'], document: unknown, mode: string): string {
  return EJSON.stringify(document, { relaxed: mode !== 'canonical' })
}

/** Holds the client of a component, which connects once, on demand. */
export class ClientHolder {
  readonly #config: ClientConfig
  readonly #resources: Resources
  #connected: Connected | null = null

  constructor(config: ClientConfig, resources: Resources) {
    checkUrl(config)
    this.#config = config
    this.#resources = resources
  }

  async connect(): Promise<Connected> {
    if (this.#connected === null) {
      this.#connected = await connectClient(this.#config, this.#resources)
      return this.#connected
    }
    try {
      await this.#connected.client.db(this.#config.database).command({ ping: 1 })
      return this.#connected
    } catch (error) {
      throw new Error(`ping failed: ${messageOf(error)}`, { cause: error })
    }
  }

  get(): Connected {
    if (this.#connected === null) throw new NotConnectedError()
    return this.#connected
  }

  async close(): Promise<void> {
    await this.#connected?.client.close(true)
    this.#connected = null
  }
}

/** Groups the messages of a batch by collection. */
function grouped<T>(
  entries: readonly { readonly collection: string; readonly entry: T }[],
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const { collection, entry } of entries) {
    const group = groups.get(collection)
    if (group === undefined) groups.set(collection, [entry])
    else group.push(entry)
  }
  return groups
}

/** A write that is ready to be sent. */
interface Prepared {
  readonly message: Message
  readonly model: AnyBulkWriteOperation
}

/** The parts of a component's configuration that {@link writePrepared} needs. */
export interface WriteConfig extends MapConfig {
  readonly database: string
  readonly collection: Interpolation
  readonly operation: string
  readonly write_concern: Infer<typeof writeConcernField>
}

/**
 * Executes the writes of messages, in order for each collection. `viewOf` returns the batch that a message's mappings
 * see. Returns the errors of the messages that were not written.
 */
export async function writeMessages(
  { client, bson }: Connected,
  config: WriteConfig,
  messages: readonly Message[],
  viewOf: (message: Message, index: number) => readonly [batch: Batch, index: number],
): Promise<ReadonlyMap<Message, Error>> {
  const failures = new Map<Message, Error>()
  const entries: { collection: string; entry: Prepared }[] = []
  const operation = config.operation as Operation // the field has no other options
  for (const [place, message] of messages.entries()) {
    try {
      const [batch, index] = viewOf(message, place)
      const collection = collectionOf(config.collection, batch, index)
      const model = writeModel(operation, config.upsert, mapped(config, bson, batch, index))
      entries.push({ collection, entry: { message, model } })
    } catch (error) {
      failures.set(message, asError(error))
    }
  }
  const writeConcern = writeConcernOf(config.write_concern)
  const database = client.db(config.database)
  for (const [name, group] of grouped(entries)) {
    const models = group.map(({ model }) => model)
    const outcomes = await writeAll(database.collection(name, { writeConcern }), models)
    outcomes.forEach((error, index) => error !== null && failures.set(group[index]!.message, error))
  }
  return failures
}
