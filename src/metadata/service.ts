import type { Clock } from '../base/index.ts'
import { type Database, migrate, type Sql, type TransactionOptions } from '../database/index.ts'
import {
  type CallArguments,
  type CallName,
  type CallResult,
  invoke,
  isDurable,
  kindOf,
  metadataError,
  type TimedCall,
} from './calls.ts'
import { changeBy } from './changes.ts'
import type { MetadataError } from './errors.ts'
import { GroupCommit } from './group-commit.ts'
import { commitTogether } from './operations/log.ts'
import { migrations } from './schema.ts'
import { type Change, lostError, type Transport } from './transport.ts'

/** Propagates changes between processes that share a database. */
export interface Feed {
  /** Notifies the others; best effort, in the order of the calls. */
  publish(change: Change): void
  /** The listener receives the others' changes. Returns a function that unsubscribes it. */
  onChange(listener: (change: Change) => void): () => void
  close(): Promise<void>
}

/** Executes metadata calls on a database, in the process or thread that has it open. */
export class MetadataService implements Transport {
  readonly #database: Database
  readonly #clock: Clock
  readonly #feed: Feed | undefined
  readonly #commits: GroupCommit

  /** Migrates the tables. The service owns the database from then on. Rejects with a MetadataError. */
  static async open(database: Database, clock: Clock, feed?: Feed): Promise<MetadataService> {
    try {
      await migrate(database, 'metadata', migrations)
    } catch (error) {
      await feed?.close()
      await database.close()
      throw metadataError(error)
    }
    return new MetadataService(database, clock, feed)
  }

  private constructor(database: Database, clock: Clock, feed: Feed | undefined) {
    this.#database = database
    this.#clock = clock
    this.#feed = feed
    this.#commits = new GroupCommit((commits, now) =>
      this.#transact({ kind: 'write', keepsPlans: true }, sql => commitTogether(sql, commits, now)),
    )
  }

  async call<Name extends CallName>(name: Name, ...values: CallArguments<Name>): Promise<CallResult<Name>> {
    // The result is that of the operation with this name.
    return (await this.execute({ name, arguments: values, now: this.#clock.now() })) as CallResult<Name>
  }

  /** Rejects with a MetadataError. */
  async execute(call: TimedCall): Promise<unknown> {
    const kind = kindOf(call)
    const result = await (call.name === 'commit'
      ? this.#commits.commit(...(call.arguments as CallArguments<'commit'>), call.now) // the name tells the arguments
      : this.#transact({ kind, durable: isDurable(call) }, sql => invoke(sql, call)))
    if (this.#feed !== undefined && kind === 'write') {
      const change = changeBy(call.name, result)
      if (change !== undefined) this.#feed.publish(change)
    }
    return result
  }

  async #transact<Result>(options: TransactionOptions, work: (sql: Sql) => Promise<Result>): Promise<Result> {
    try {
      return await this.#database.transaction(options, work)
    } catch (error) {
      throw metadataError(error)
    }
  }

  onChange(listener: (change: Change) => void): () => void {
    return this.#feed?.onChange(listener) ?? (() => {})
  }

  onLost(listener: (reason: MetadataError) => void): () => void {
    return this.#database.onLost(reason => listener(lostError(reason)))
  }

  /** Waits for earlier calls to finish; later ones reject with the code `closed`. */
  async close(): Promise<void> {
    await this.#commits.close()
    await this.#feed?.close()
    await this.#database.close()
  }
}
