import { isObject, parseJson, printJson, type Value, utf8Text } from '../../bloblang/index.ts'
import {
  allMessages,
  type Batch,
  BatchError,
  type Buffer,
  type Chain,
  defineBuffer,
  type Delivery,
  field,
  logicalBatches,
  Message,
  type Resources,
  Signal,
} from '../../engine/index.ts'
import { packBinary, unpackBinary } from '../pure/containers.ts'
import { connect, type Connection } from './connection.ts'

/** Batches that are taken out at a time, where each is a single message. */
const CHUNK_ROWS = 256

export default defineBuffer({
  name: 'sqlite',
  categories: ['Utility'],
  version: '1.0.0',
  summary: 'Keeps messages in a SQLite file until they are delivered, and acknowledges them once they are there.',
  description:
    'What was not delivered when the program ended is delivered when it starts again. Metadata is kept with its types.',
  config: field.object({
    path: field
      .string('The file.')
      .needs('database_files', value => (value === ':memory:' ? undefined : String(value)))
      .examples('/tmp/buffer.db'),
    pre_processors: field.processors('Processors that run before messages are stored: to compress, say.').optional(),
    post_processors: field.processors('Processors that run on what is taken out: to decompress, say.').optional(),
  }),
  examples: [{ title: 'Survive a restart', config: 'buffer:\n  sqlite:\n    path: ./messages.db\n' }],
  async create(config, resources) {
    const connection = connect({ driver: 'sqlite', dsn: config.path }, resources)
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
  readonly #connection: Connection
  readonly #before: Chain
  readonly #after: Chain
  readonly #resources: Resources
  readonly #changed = new Signal()
  /** Refused batches, which come before what was never taken out. */
  readonly #refused: bigint[] = []
  #takenUntil = 0n
  #pending = 0
  #ended = false
  #closed = false

  constructor(connection: Connection, before: Chain, after: Chain, resources: Resources) {
    this.#connection = connection
    this.#before = before
    this.#after = after
    this.#resources = resources
  }

  async push(delivery: Delivery): Promise<void> {
    const batches = await this.#before.run(delivery.batch)
    try {
      this.#connection.together(() => {
        for (const batch of batches.flatMap(logicalBatches)) {
          this.#connection.run('INSERT INTO batches (content) VALUES (?)', [packed(batch)])
        }
      })
    } catch (error) {
      await delivery.ack(error as Error)
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
        const stored = this.#take()
        if (stored.length > 0) {
          const delivery = await this.#deliver(stored)
          if (delivery !== null) return delivery
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

  /** A refused batch, else one that was never taken out, or many of single messages. */
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

  async #deliver(stored: readonly Stored[]): Promise<Delivery | null> {
    this.#pending++
    const messages = stored.flatMap(each => each.messages).map((message, index) => message.withOrigin(index))
    const solo = stored.length > 1
    const results = allMessages(await this.#after.run({ messages, solo }))
    const ack = (error: Error | null) => {
      const failed = error === null ? [] : solo ? failedOf(stored, results, error) : stored
      this.#settle(stored, failed)
    }
    if (results.length > 0) return { batch: { messages: results, solo: solo && results.length > 1 }, ack }
    ack(null)
    return null
  }

  #settle(stored: readonly Stored[], failed: readonly Stored[]): void {
    this.#pending--
    const delivered = stored.filter(each => !failed.includes(each))
    this.#refused.push(...failed.map(({ id }) => id))
    if (this.#closed) return
    try {
      this.#connection.together(() => {
        for (const { id } of delivered) this.#connection.run('DELETE FROM batches WHERE id = ?', [id])
      })
    } catch (error) {
      this.#resources.log.error(`Failed to remove delivered messages: ${(error as Error).message}`)
    }
    this.#changed.notify()
  }
}

/** The rows of the messages that failed. */
function failedOf(stored: readonly Stored[], results: readonly Message[], error: Error): readonly Stored[] {
  if (!(error instanceof BatchError)) return stored
  const origins = new Set([...error.failures.keys()].map(index => results[index]?.origin ?? -1))
  return origins.has(-1) ? stored : stored.filter((_, index) => origins.has(index))
}

/** Metadata and body of each message, one behind the other. */
function packed({ messages }: Batch): Uint8Array {
  return packBinary(
    messages.flatMap(message => [
      new TextEncoder().encode(printJson(Object.fromEntries(message.metadata))),
      message.bytes(),
    ]),
  )
}

function unpacked(row: Readonly<Record<string, Value>>): Stored {
  const parts = unpackBinary(row['content'] as Uint8Array)
  const messages: Message[] = []
  for (let i = 0; i < parts.length; i += 2) {
    const metadata = parseJson(utf8Text(parts[i]!))
    messages.push(Message.fromBytes(parts[i + 1]!, new Map(isObject(metadata) ? Object.entries(metadata) : [])))
  }
  return { id: row['id'] as bigint, messages }
}
