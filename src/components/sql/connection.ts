import { messageOf } from '../../base/index.ts'
import { isObject, type Mapping, type Value, isArray } from '../../bloblang/index.ts'
import type { MaybePromise, Message, Resources } from '../../engine/index.ts'
import type { SessionConfig } from '../aws/session.ts'

/** A row, by column name. */
export type Row = Readonly<Record<string, Value>>

/** An insert without its rows. */
export interface InsertStatement {
  readonly table: string
  readonly columns: readonly string[]
  readonly prefix?: string | undefined
  readonly suffix?: string | undefined
}

/**
 * A component's database. Statements reject with a {@link StatementError} if the database refused them, with
 * `NotConnectedError` if the connection broke while they ran, and with any other error if there is no connection.
 * SQLite returns results synchronously.
 */
export interface SqlConnection {
  /** Connects and runs the initial statements. An unreachable database is not an error: the next statement retries. */
  open(): MaybePromise<void>
  /** Rejects if the database cannot be reached. */
  verify(): MaybePromise<void>
  rows(query: string, args: readonly Value[]): MaybePromise<readonly Row[]>
  /** The rows of a query as they arrive, in groups of any size. */
  chunks(query: string, args: readonly Value[]): Iterable<readonly Row[]> | AsyncIterable<readonly Row[]>
  run(query: string, args: readonly Value[]): MaybePromise<void>
  /** Inserts all rows or none. */
  insert(statement: InsertStatement, rows: readonly (readonly Value[])[]): MaybePromise<void>
  /** The first column of the first row as bytes; undefined if there is no row or the value is NULL. */
  bytes(query: string, args: readonly Value[]): MaybePromise<Uint8Array | undefined>
  close(): MaybePromise<void>
}

/** The database refused a statement: the same statement would fail again, others may succeed. */
export class StatementError extends Error {
  /** The SQLSTATE or error number from the database; empty if there was none. */
  readonly code: string

  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StatementError'
    this.code = code
  }
}

/** A component's settings for its database. */
export interface ConnectionConfig extends Partial<SessionConfig> {
  readonly driver: string
  readonly dsn: string
  readonly init_files?: readonly string[] | undefined
  readonly init_statement?: string | undefined
  readonly init_verify_conn?: boolean | undefined
  readonly conn_max_idle_time?: number | undefined
  readonly conn_max_life_time?: number | undefined
  readonly conn_max_idle?: number | undefined
  readonly conn_max_open?: number | undefined
  readonly secret_name?: string | undefined
  readonly iam_enabled?: boolean | undefined
}

/** The contents of files and the statements that run once, each with the name used in warnings. */
export function firstStatements(
  config: ConnectionConfig,
  { host }: Pick<Resources, 'host'>,
): readonly (readonly [what: string, text: string])[] {
  const scripts = (config.init_files ?? []).flatMap(pattern =>
    host.files
      .glob(pattern)
      .map(path => [`init_file '${path}'`, host.files.readFileSync(path).toString('utf8')] as const),
  )
  return config.init_statement === undefined
    ? scripts
    : [...scripts, ['init_statement', config.init_statement] as const]
}

/** The arguments of a query for a message. Throws an `Error` if they are not an array. */
export function argumentsOf(
  mapping: Mapping | null | undefined,
  view: readonly Message[],
  index: number,
): readonly Value[] {
  if (mapping === null || mapping === undefined) return []
  const result = mapping.run(view, index)
  if (isArray(result)) return result
  const name = isObject(result) ? 'map[string]interface {}' : typeof result
  throw new Error(`mapping returned non-array result: ${name}`)
}

/** Why a database cannot be reached, including its address. */
export function unreachableError(cause: unknown, address: string): Error {
  const reason = messageOf(cause)
  return new Error(reason.startsWith('dial tcp') ? reason : `cannot connect to ${address}: ${reason}`, { cause })
}
