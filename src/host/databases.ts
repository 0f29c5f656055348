import { resolve } from 'node:path'
import { constants, DatabaseSync } from 'node:sqlite'
import type { Databases } from '../engine/index.ts'

/** SQLite databases in any file. */
export const openDatabases: Databases = {
  open: (path, { readOnly = false, timeoutMs = 0 }) => new DatabaseSync(path, { readOnly, timeout: timeoutMs }),
}

/** SQLite databases in memory, and in the files for which `check` throws nothing. */
export function checkedDatabases(check: (path: string) => void): Databases {
  return {
    open(path, options) {
      if (path !== ':memory:') check(path)
      // An absolute path is never taken for a URI, whose parameters could say something else.
      const database = openDatabases.open(path === ':memory:' ? path : resolve(path), options)
      database.exec('PRAGMA temp_store = MEMORY')
      database.setAuthorizer((action, first) =>
        isAllowed(check, action, first) ? constants.SQLITE_OK : constants.SQLITE_DENY,
      )
      return database
    },
  }
}

/** Statements reach other files by `ATTACH`, which `VACUUM INTO` does as well, and by settings of where things are stored. */
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
