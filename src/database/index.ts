export { CallWorker, type Outcome, serveCalls } from './call-worker.ts'
export {
  type Database,
  databaseTime,
  type RowSet,
  type Sql,
  type TransactionOptions,
} from './database.ts'

export { DatabaseError, type DatabaseErrorCode } from './errors.ts'
export { migrate, type Migration } from './migrations.ts'
export {
  boolean,
  bytes,
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
export { openPostgres } from './open-postgres.ts'
export type { PostgresDatabase } from './postgres/postgres.ts'
export { openSqlite, openSqliteHere } from './sqlite/sqlite.ts'
