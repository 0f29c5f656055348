export { CallWorker, type Outcome, type ReportEvent, serveCalls } from './call-worker.ts'
export {
  type Database,
  databaseTime,
  type RowSet,
  type Sql,
  type SqlValue,
  type TransactionOptions,
} from './database.ts'
export type { DialectName } from './dialect.ts'
export { DatabaseError, type DatabaseErrorCode } from './errors.ts'
export { migrate, type Migration } from './migrations.ts'
export {
  boolean,
  bytes,
  type Column,
  createTable,
  integer,
  json,
  nullable,
  references,
  type Row,
  serial,
  type Table,
  text,
  time,
} from './schema.ts'
export { openSqlite, openSqliteHere, type SqliteOptions } from './sqlite/sqlite.ts'
