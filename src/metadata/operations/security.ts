import type { Sql } from '../../database/index.ts'
import type { Now } from '../now.ts'
import type { AclChange, AclRules, NewCredential, StoredAcl, StoredCredential, StoredScramKeys } from '../metadata.ts'
import type { AclRow, CredentialRow } from '../schema.ts'
import { fact } from './facts.ts'

export const securityReads = {
  /** Increases with every change of credentials or ACLs. */
  securityVersion: async (sql: Sql): Promise<number> => Number(await fact(sql, 'security_version')),

  credentials: async (sql: Sql): Promise<StoredCredential[]> =>
    (await sql.all<CredentialRow>('SELECT * FROM credentials ORDER BY created_at, username')).map(credentialOf),

  findCredential: async (sql: Sql, username: string): Promise<StoredCredential | null> => {
    const [row] = await sql.all<CredentialRow>('SELECT * FROM credentials WHERE username = ?', username)
    return row === undefined ? null : credentialOf(row)
  },

  aclRules: async (sql: Sql): Promise<AclRules> => {
    const [version, enabled, rows] = await Promise.all([
      securityReads.securityVersion(sql),
      fact(sql, 'acl_mode'),
      sql.all<AclRow>('SELECT * FROM acls ORDER BY id'),
    ])
    // Only setAclMode writes the mode.
    return { version, mode: (enabled ?? 'off') as AclRules['mode'], acls: rows.map(aclOf) }
  },
}

export const securityWrites = {
  /** Adds credentials, or replaces the given fields of existing ones. */
  putCredentials: async (sql: Sql, credentials: readonly NewCredential[], now: Now): Promise<void> => {
    await sql.run(
      `INSERT INTO credentials (username, id, name, sha256, sha512, superuser, expires_at, created_at)
       SELECT username, id, name, sha256, sha512, superuser, expires_at, created_at
       FROM ROWS(username text, id text, name text, sha256 text, sha512 text, superuser integer, expires_at integer,
         created_at integer) AS r WHERE true
       ON CONFLICT (username) DO UPDATE SET
         sha256 = COALESCE(excluded.sha256, credentials.sha256),
         sha512 = COALESCE(excluded.sha512, credentials.sha512), expires_at = excluded.expires_at`,
      credentials.map(credential => [
        credential.username,
        credential.id,
        credential.name,
        keysText(credential.sha256),
        keysText(credential.sha512),
        credential.superuser ? 1 : 0,
        credential.expiresAt ?? null,
        now,
      ]),
    )
    await changed(sql)
  },

  /** Deletes credentials; returns for each whether it was known. */
  deleteCredentials: async (sql: Sql, usernames: readonly string[]): Promise<boolean[]> => {
    const gone = await sql.all<{ username: string }>(
      'DELETE FROM credentials WHERE username IN (SELECT username FROM ROWS(username text) AS r) RETURNING username',
      usernames.map(username => [username]),
    )
    if (gone.length > 0) await changed(sql)
    const known = new Set(gone.map(({ username }) => username))
    return usernames.map(username => known.has(username))
  },

  /** Deletes a user's keys for one hash, and the user with the last of them; false if there were none. */
  deleteScramKeys: async (sql: Sql, username: string, hash: 'sha256' | 'sha512'): Promise<boolean> => {
    const [row] = await sql.all<CredentialRow>(
      'SELECT sha256, sha512 FROM credentials WHERE username = ? FOR UPDATE',
      username,
    )
    if (row === undefined || row[hash] === null) return false
    const other = hash === 'sha256' ? row.sha512 : row.sha256
    if (other === null) await sql.run('DELETE FROM credentials WHERE username = ?', username)
    else await sql.run(`UPDATE credentials SET ${hash} = NULL WHERE username = ?`, username)
    await changed(sql)
    return true
  },

  /** Deletes the credentials that have expired. */
  expireCredentials: async (sql: Sql, now: Now): Promise<void> => {
    await sql.run('DELETE FROM credentials WHERE expires_at <= ?', now)
  },

  setAclMode: async (sql: Sql, mode: AclRules['mode']): Promise<void> => {
    await sql.run(
      `INSERT INTO facts (name, value) VALUES ('acl_mode', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      mode,
    )
    await changed(sql)
  },

  /** Adds and removes rules; ones already present or absent change nothing. Returns the rules afterwards. */
  changeAcls: async (sql: Sql, { add, remove }: AclChange): Promise<AclRules> => {
    await sql.all(`SELECT value FROM facts WHERE name = 'security_version' FOR UPDATE`)
    await sql.run(
      `DELETE FROM acls WHERE ${columns} IN (SELECT ${plainColumns} FROM ${rowsOf} AS r)`,
      remove.map(valuesOf),
    )
    await sql.run(
      `INSERT INTO acls (${plainColumns}) SELECT ${plainColumns} FROM ${rowsOf} AS r WHERE true ON CONFLICT DO NOTHING`,
      add.map(valuesOf),
    )
    await changed(sql)
    return securityReads.aclRules(sql)
  },
}

const plainColumns = 'resource_type, resource_name, pattern_type, principal, host, operation, permission'
const columns = `(${plainColumns})`
const rowsOf =
  'ROWS(resource_type text, resource_name text, pattern_type text, principal text, host text, operation text, permission text)'

function valuesOf(acl: StoredAcl) {
  return [acl.resourceType, acl.resourceName, acl.patternType, acl.principal, acl.host, acl.operation, acl.permission]
}

function aclOf(row: AclRow): StoredAcl {
  return {
    resourceType: row.resource_type,
    resourceName: row.resource_name,
    patternType: row.pattern_type,
    principal: row.principal,
    host: row.host,
    operation: row.operation,
    permission: row.permission,
  }
}

function credentialOf(row: CredentialRow): StoredCredential {
  return {
    username: row.username,
    id: row.id,
    name: row.name,
    sha256: keysOf(row.sha256),
    sha512: keysOf(row.sha512),
    superuser: row.superuser === 1,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
  }
}

function keysText(keys: StoredScramKeys | null): string | null {
  return keys === null ? null : JSON.stringify(keys)
}

function keysOf(text: string | null): StoredScramKeys | null {
  // Only keysText writes it.
  return text === null ? null : (JSON.parse(text) as StoredScramKeys)
}

async function changed(sql: Sql): Promise<void> {
  await sql.run(`UPDATE facts SET value = CAST(CAST(value AS bigint) + 1 AS text) WHERE name = 'security_version'`)
}
