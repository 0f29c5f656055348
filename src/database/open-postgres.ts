import type { PostgresDatabase, PostgresOptions } from './postgres/postgres.ts'

/**
 * Opens a PostgreSQL database; loads the driver, which most processes never need. Rejects with a DatabaseError when it
 * cannot be reached now; when it gets out of reach later, transactions reject as `unreachable` and connections are made
 * again.
 */
export async function openPostgres(options: PostgresOptions): Promise<PostgresDatabase> {
  const driver = await import('./postgres/postgres.ts')
  return driver.openPostgres(options)
}
