import { resolve } from 'node:path'
import { constants, DatabaseSync } from 'node:sqlite'
import type { Databases } from '../engine/index.ts'

/** SQLite databases in any file. */
export const openDatabases: Databases = {
  open: (path, { readOnly = false, timeoutMs = 0 }) => new DatabaseSync(path, { readOnly, timeout: timeoutMs }),
}

/** SQLite databases in memory, and in files that pass `check`, which throws a refusal. */
export function checkedDatabases(check: (path: string) => void): Databases {
  return {
    open(path, options) {
      if (path !== ':memory:') check(path)
      // An absolute path is never parsed as a URI, whose parameters could change its meaning.
      const database = openDatabases.open(path === ':memory:' ? path : resolve(path), options)
      database.exec('PRAGMA temp_store = MEMORY')
      database.setAuthorizer((action, first) =>
        isAllowed(check, action, first) ? constants.SQLITE_OK : constants.SQLITE_DENY,
      )
      return database
    },
  }
}

/**
 * Statements reach other files through `ATTACH`, which `VACUUM INTO` uses too,
 * and through settings for storage locations.
 */
function isAllowed(check: (path: string) => void, action: number, first: string | null): boolean {
  if (action === constants.SQLITE_PRAGMA)
    return !/^(temp_store|temp_store_directory|data_store_directory)$/i.test(first ?? '')
  if (action !== constants.SQLITE_ATTACH || first === '' || first === ':memory:') return true
  if (first === null || /^file:/i.test(first)) return false
  try {
    check(first)
    return true
  } catch {
    return false
  }
}
