import type { PostgresDatabase, PostgresOptions } from './postgres/postgres.ts'

/**
 * Opens a PostgreSQL database; loads the driver, which most processes never need. Rejects with a DatabaseError
 * when the server cannot be reached now; if it becomes unreachable later, transactions reject with
 * `unreachable` and connections are re-established.
 */
export async function openPostgres(options: PostgresOptions): Promise<PostgresDatabase> {
  const driver = await import('./postgres/postgres.ts')
  return driver.openPostgres(options)
}
