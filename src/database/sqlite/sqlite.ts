import { messageOf, workerUrl } from '../../base/index.ts'
import { CallWorker } from '../call-worker.ts'
import type { Database, RowSet, Sql, SqlValue, TransactionOptions } from '../database.ts'
import { DatabaseError, type DatabaseErrorCode } from '../errors.ts'
import { connectHere, type Connection } from './connection.ts'

export interface SqliteOptions {
  /** The database's file, created when missing, or `:memory:` for a database that lives as long as the process. */
  readonly path: string
}

/** Maximum number of transactions that share a commit. */
const MAX_TOGETHER = 512

/**
 * Opens an SQLite database in a separate thread, so that no statement blocks this one. Several processes may open the
 * same file. Rejects with a DatabaseError that names the file when it cannot be opened.
 */
export async function openSqlite({ path }: SqliteOptions): Promise<Database> {
  return new SqliteDatabase(await connectInThread(path))
}

/** Opens an SQLite database in this thread: for workers, and for `:memory:`, which never waits for a disk. */
export function openSqliteHere({ path }: SqliteOptions): Database {
  return new SqliteDatabase(connectHere(path))
}

async function connectInThread(path: string): Promise<Connection> {
  const url = workerUrl(import.meta.url, './database.worker.ts')
  const worker = await CallWorker.open(url, { name: 'database', workerData: { path } }).catch((cause: unknown) => {
    const message = messageOf(cause)
    throw new DatabaseError('failed', message, { cause })
  })
  return {
    async execute(command) {
      if (worker.isClosed) throw new DatabaseError('closed', 'the database is closed')
      const outcome = await worker.call(command).catch((cause: Error) => {
        throw new DatabaseError('unknown_outcome', cause.message, { cause })
      })
      // The worker's codes are those of DatabaseErrors.
      if (!outcome.ok) throw new DatabaseError(outcome.code as DatabaseErrorCode, outcome.message)
      return outcome.value
    },
    onLost: listener => worker.onLost(listener),
    close: () => worker.close(),
  }
}

type Statements = Pick<Sql, 'all' | 'run'>

interface Waiting {
  readonly options: TransactionOptions
  readonly work: (sql: Sql) => Promise<unknown>
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
}

/** Transactions over one connection: they take turns, and those that are queued together share a commit. */
class SqliteDatabase implements Database {
  readonly dialect = 'sqlite'
  readonly #connection: Connection
  readonly #sql: Statements
  readonly #readOnly: Statements
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #lacksRoom = false
  #isClosed = false

  constructor(connection: Connection) {
    this.#connection = connection
    const all = <Row>(statement: string, ...values: readonly (SqlValue | RowSet)[]) =>
      // The statement's text determines the columns; no type system can check that.
      connection.execute({ kind: 'all', statement, values }) as Promise<Row[]>
    this.#sql = {
      all,
      // Each kind of command has its type of result.
      run: (statement, ...values) => connection.execute({ kind: 'run', statement, values }) as Promise<number>,
    }
    this.#readOnly = {
      all,
      run: async statement => {
        throw new DatabaseError('failed', `a read transaction cannot write: ${statement}`)
      },
    }
  }

  async transaction<Result>(options: TransactionOptions, work: (sql: Sql) => Promise<Result>): Promise<Result> {
    try {
      return await this.#enqueue(options, work)
    } catch (error) {
      if (!(error instanceof DatabaseError && error.code === 'full')) throw error
      // The write-ahead log takes more space than its contents, which are mostly versions of the same pages.
      this.#lacksRoom = true
      return await this.#enqueue(options, work)
    }
  }

  #enqueue<Result>(options: TransactionOptions, work: (sql: Sql) => Promise<Result>): Promise<Result> {
    if (this.#isClosed) return Promise.reject(new DatabaseError('closed', 'the database is closed'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ options, work, resolve, reject })
      this.#running ??= this.#runWaiting()
    })
  }

  onLost(listener: (reason: Error) => void): () => void {
    return this.#connection.onLost(listener)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#running
    await this.#connection.close()
  }

  async #runWaiting(): Promise<void> {
    await Promise.resolve() // transactions requested in the same tick run together
    while (this.#waiting.length > 0) {
      if (this.#lacksRoom) await this.#makeRoom()
      const group = this.#waiting.splice(0, MAX_TOGETHER)
      // Reads go first and see what was committed before; they do not wait for the disk.
      const reads = group.filter(({ options }) => options.kind === 'read')
      const writes = group.filter(({ options }) => options.kind === 'write')
      if (reads.length > 0) await this.#runReads(reads)
      if (writes.length > 0) await this.#runWrites(writes)
    }
    this.#running = undefined
  }

  async #makeRoom(): Promise<void> {
    this.#lacksRoom = false
    // If the checkpoint fails as well, the next transactions report why.
    await this.#connection.execute({ kind: 'checkpoint' }).catch(() => undefined)
  }

  async #runReads(reads: readonly Waiting[]): Promise<void> {
    try {
      await this.#connection.execute({ kind: 'begin', of: 'read', durable: false })
      const outcomes = await Promise.all(reads.map(({ work }) => outcomeOf(() => carryOut(work, this.#readOnly))))
      await this.#connection.execute({ kind: 'commit' })
      settle(reads, outcomes)
    } catch (error) {
      await this.#abandon(reads, error)
    }
  }

  async #runWrites(writes: readonly Waiting[]): Promise<void> {
    const durable = writes.some(({ options }) => options.durable ?? true)
    try {
      await this.#connection.execute({ kind: 'begin', of: 'write', durable })
      const outcomes: PromiseSettledResult<unknown>[] = []
      if (writes.length === 1) outcomes.push({ status: 'fulfilled', value: await carryOut(writes[0]!.work, this.#sql) })
      else for (const { work } of writes) outcomes.push(await this.#inSavepoint(work))
      await this.#connection.execute({ kind: 'commit' })
      settle(writes, outcomes)
    } catch (error) {
      await this.#abandon(writes, error)
    }
  }

  /** Rolls back only this work when it throws. Rejects when that is impossible: the whole transaction is lost then. */
  async #inSavepoint(work: Waiting['work']): Promise<PromiseSettledResult<unknown>> {
    await this.#sql.run('SAVEPOINT one')
    const outcome = await outcomeOf(() => carryOut(work, this.#sql))
    if (outcome.status === 'rejected') {
      await this.#sql.run('ROLLBACK TO one').catch(() => {
        throw outcome.reason
      })
    }
    await this.#sql.run('RELEASE one')
    return outcome
  }

  /** Rejects all members: when the transaction as a whole fails, none of their results hold. */
  async #abandon(members: readonly Waiting[], error: unknown): Promise<void> {
    // Without a connection there is no transaction to roll back, and the next caller gets that error.
    await this.#connection.execute({ kind: 'rollback' }).catch(() => undefined)
    for (const { reject } of members) reject(error)
  }
}

/** Does the work, and waits for the statements that it runs last. */
async function carryOut(work: Waiting['work'], { all, run }: Statements): Promise<unknown> {
  const last: Promise<unknown>[] = []
  const runLast: Sql['runLast'] = (statement, ...values) => {
    const running = run(statement, ...values)
    running.catch(() => undefined) // reported below, unless the work itself fails
    last.push(running)
  }
  const result = await work({ all, run, runLast })
  await Promise.all(last)
  return result
}

async function outcomeOf(work: () => Promise<unknown>): Promise<PromiseSettledResult<unknown>> {
  try {
    return { status: 'fulfilled', value: await work() }
  } catch (reason) {
    return { status: 'rejected', reason }
  }
}

function settle(members: readonly Waiting[], outcomes: readonly PromiseSettledResult<unknown>[]): void {
  members.forEach(({ resolve, reject }, index) => {
    const outcome = outcomes[index]!
    // The outcome is the result of this member's work, which has the type that `resolve` expects.
    if (outcome.status === 'fulfilled') resolve(outcome.value as never)
    else reject(outcome.reason)
  })
}
