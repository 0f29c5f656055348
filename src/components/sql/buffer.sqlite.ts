import { asError, messageOf } from '../../base/index.ts'
import { isObject, parseJson, printJson, type Value, utf8Text } from '../../bloblang/index.ts'
import {
  type Batch,
  type Buffer,
  type Chain,
  defineBuffer,
  deliverBatch,
  deliverEach,
  type Delivery,
  field,
  Message,
  type Resources,
  Signal,
} from '../../engine/index.ts'
import { packBinary, unpackBinary } from '../pure/containers.ts'
import { openSqlite, type SqliteConnection } from './sqlite.ts'

/** Single-message batches read together. */
const CHUNK_ROWS = 256

export default defineBuffer({
  name: 'sqlite',
  categories: ['Utility'],
  version: '1.0.0',
  summary: 'Stores messages in a SQLite file until they are delivered, and acknowledges them once they are stored.',
  description:
    'Messages that had not been delivered when the program ended are delivered after a restart. Metadata keeps its types.',
  config: field.object({
    path: field
      .string('The path of the file.')
      .needs('database_files', value => (value === ':memory:' ? undefined : String(value)))
      .examples('/tmp/buffer.db'),
    pre_processors: field
      .processors('Processors applied before messages are stored, for example to compress them.')
      .optional(),
    post_processors: field
      .processors('Processors applied to stored messages when they are read, for example to decompress them.')
      .optional(),
  }),
  examples: [{ title: 'Surviving a restart', config: 'buffer:\n  sqlite:\n    path: ./messages.db\n' }],
  async create(config, resources) {
    const connection = openSqlite({ driver: 'sqlite', dsn: config.path }, resources)
    connection.script(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE IF NOT EXISTS batches (id INTEGER PRIMARY KEY AUTOINCREMENT, content BLOB NOT NULL)',
    )
    const before = await resources.chain(config.pre_processors ?? [])
    const after = await resources.chain(config.post_processors ?? [])
    return new SqliteBuffer(connection, before, after, resources)
  },
})

interface Stored {
  readonly id: bigint
  readonly messages: readonly Message[]
}

class SqliteBuffer implements Buffer {
  readonly #connection: SqliteConnection
  readonly #before: Chain
  readonly #after: Chain
  readonly #resources: Resources
  readonly #changed = new Signal()
  /** Rejected batches, which take precedence over those not yet read. */
  readonly #refused: bigint[] = []
  readonly #ready: Delivery[] = []
  #takenUntil = 0n
  #pending = 0
  #ended = false
  #closed = false

  constructor(connection: SqliteConnection, before: Chain, after: Chain, resources: Resources) {
    this.#connection = connection
    this.#before = before
    this.#after = after
    this.#resources = resources
  }

  async push(delivery: Delivery): Promise<void> {
    try {
      const batches: Batch[] = []
      for (const batch of delivery.batches) batches.push(...(await this.#before.process(batch)))
      this.#connection.together(() => {
        for (const batch of batches) {
          this.#connection.run('INSERT INTO batches (content) VALUES (?)', [packed(batch)])
        }
      })
    } catch (error) {
      await delivery.ack(asError(error))
      return
    }
    await delivery.ack(null)
    this.#changed.notify()
  }

  end(): void {
    this.#ended = true
    this.#changed.notify()
  }

  async next(signal: AbortSignal): Promise<Delivery | null> {
    const wake = () => this.#changed.notify()
    signal.addEventListener('abort', wake, { once: true })
    try {
      for (;;) {
        if (this.#closed || signal.aborted) return null
        const ready = this.#ready.shift()
        if (ready !== undefined) return ready
        const stored = this.#take()
        if (stored.length > 0) {
          this.#ready.push(...(await this.#deliver(stored)))
          continue
        }
        if (this.#ended && this.#pending === 0) return null
        await this.#changed.wait()
      }
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#changed.notify()
    await this.#before.close()
    await this.#after.close()
    this.#connection.close()
  }

  /** Reads a rejected batch, otherwise an unread one, or several with a single message each. */
  #take(): readonly Stored[] {
    const refused = this.#refused.shift()
    if (refused !== undefined) {
      return this.#connection.blobs('SELECT id, content FROM batches WHERE id = ?', [refused]).map(unpacked)
    }
    const taken: Stored[] = []
    const rows = this.#connection.blobs('SELECT id, content FROM batches WHERE id > ? ORDER BY id LIMIT ?', [
      this.#takenUntil,
      BigInt(CHUNK_ROWS),
    ])
    for (const row of rows) {
      const stored = unpacked(row)
      if (stored.messages.length !== 1 && taken.length > 0) break
      taken.push(stored)
      this.#takenUntil = stored.id
      if (stored.messages.length !== 1) break
    }
    return taken
  }

  /** Processes stored batches and returns them ready for delivery. */
  async #deliver(stored: readonly Stored[]): Promise<readonly Delivery[]> {
    this.#pending += stored.length
    const [first] = stored
    const source =
      stored.length === 1
        ? deliverBatch(first!.messages, error => this.#settle(stored, error))
        : this.#deliverSingles(stored)
    return await this.#after.deliver(source)
  }

  #deliverSingles(stored: readonly Stored[]): Delivery {
    const byMessage = new Map(stored.map(each => [each.messages[0]!, each]))
    return deliverEach([...byMessage.keys()], (messages, error) =>
      this.#settle(
        messages.map(message => byMessage.get(message)!),
        error,
      ),
    )
  }

  /** Removes delivered batches; one that was rejected, even in part, is redelivered. */
  #settle(stored: readonly Stored[], error: Error | null): void {
    this.#pending -= stored.length
    if (error !== null) this.#refused.push(...stored.map(({ id }) => id))
    if (error === null && !this.#closed) this.#remove(stored)
    this.#changed.notify()
  }

  #remove(stored: readonly Stored[]): void {
    try {
      this.#connection.together(() => {
        for (const { id } of stored) this.#connection.run('DELETE FROM batches WHERE id = ?', [id])
      })
    } catch (error) {
      this.#resources.log.error(`Failed to remove delivered messages: ${messageOf(error)}`)
    }
  }
}

/** Metadata and body of each message in turn. */
function packed(messages: Batch): Uint8Array {
  return packBinary(
    messages.flatMap(message => [
      new TextEncoder().encode(printJson(Object.fromEntries(message.metadata))),
      message.bytes(),
    ]),
  )
}

function unpacked(row: Readonly<Record<string, Value>>): Stored {
  const parts = unpackBinary(row['content'] as Uint8Array) // the column is a blob
  const messages: Message[] = []
  for (let i = 0; i < parts.length; i += 2) {
    const metadata = parseJson(utf8Text(parts[i]!))
    messages.push(Message.fromBytes(parts[i + 1]!, new Map(isObject(metadata) ? Object.entries(metadata) : [])))
  }
  return { id: row['id'] as bigint, messages } // integers are read as bigint
}
