// The databases behind test servers that speak the protocols of other databases: SQLite in a temporary file.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'

export type Row = Readonly<Record<string, SQLOutputValue>>

/** A database for a test, accessible by any number of connections, and removed at the end. */
export class ScratchDatabase {
  readonly #folder = mkdtempSync(join(tmpdir(), 'penstock-scratch-'))
  readonly #own: DatabaseSync

  constructor() {
    this.#own = this.connect()
    this.#own.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF')
  }

  /** A connection of its own, with its own transactions; integers are read as `bigint`. */
  connect(): DatabaseSync {
    return new DatabaseSync(join(this.#folder, 'scratch.db'), { readBigInts: true })
  }

  execute(statements: string): void {
    this.#own.exec(statements)
  }

  query(statement: string): readonly Row[] {
    return this.#own.prepare(statement).all()
  }

  close(): void {
    this.#own.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
