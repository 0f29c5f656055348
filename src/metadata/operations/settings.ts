import type { Sql } from '../../database/index.ts'
import type { Setting, SettingChange, Settings } from '../metadata.ts'
import type { SettingRow } from '../schema.ts'
import { fact } from './facts.ts'

export const settingReads = {
  /** Increases with every change of a setting. */
  settingsVersion: async (sql: Sql): Promise<number> => Number(await fact(sql, 'settings_version')),

  settings: async (sql: Sql): Promise<Settings> => {
    const [version, settings] = await Promise.all([
      settingReads.settingsVersion(sql),
      sql.all<SettingRow>('SELECT kind, entity, name, value FROM settings ORDER BY kind, entity, name'),
    ])
    // Copied because rows have no prototype; the kinds are those that changeSettings received.
    return { version, settings: settings.map(row => ({ ...row }) as Setting) }
  },
}

export const settingWrites = {
  /** Sets and removes settings; returns all settings afterwards. */
  changeSettings: async (sql: Sql, changes: readonly SettingChange[]): Promise<Settings> => {
    // Serialises changes, so that versions reflect their order.
    await sql.all(`SELECT value FROM facts WHERE name = 'settings_version' FOR UPDATE`)
    await sql.run(
      `DELETE FROM settings WHERE (kind, entity, name) IN
         (SELECT kind, entity, name FROM ROWS(kind text, entity text, name text) AS r)`,
      changes.map(({ kind, entity, name }) => [kind, entity, name]),
    )
    await sql.run(
      `INSERT INTO settings (kind, entity, name, value)
       SELECT kind, entity, name, value FROM ROWS(kind text, entity text, name text, value text) AS r WHERE true`,
      changes.filter(({ value }) => value !== null).map(({ kind, entity, name, value }) => [kind, entity, name, value]),
    )
    await sql.run(`UPDATE facts SET value = CAST(CAST(value AS bigint) + 1 AS text) WHERE name = 'settings_version'`)
    return settingReads.settings(sql)
  },
}
