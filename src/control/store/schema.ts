/** A column's type; `json` is kept as text, `time` is milliseconds since 1970. */
type ColumnType = 'text' | 'integer' | 'time' | 'json' | 'boolean'

interface Table {
  readonly columns: Readonly<Record<string, ColumnType>>
  readonly primaryKey: readonly string[]
  readonly unique?: readonly (readonly string[])[]
  /** Column → table whose primary key it names; the row goes when that one goes. */
  readonly references?: Readonly<Record<string, string>>
}

/** Every table of the control plane, declared once for every database, parents first. */
export const tables = {
  clusters: {
    columns: { id: 'text', name: 'text', created_at: 'time' },
    primaryKey: ['id'],
    unique: [['name']],
  },
  api_keys: {
    columns: { id: 'text', name: 'text', secret: 'text', access_grants: 'json', created_at: 'time' },
    primaryKey: ['id'],
    unique: [['name'], ['secret']],
  },
  sessions: {
    columns: { secret_hash: 'text', created_at: 'time', expires_at: 'time' },
    primaryKey: ['secret_hash'],
  },
  pipelines: {
    columns: {
      id: 'text',
      cluster_id: 'text',
      name: 'text',
      type: 'text',
      state: 'text',
      deployed_configuration_id: 'text',
      created_at: 'time',
    },
    primaryKey: ['id'],
    unique: [['cluster_id', 'name']],
    references: { cluster_id: 'clusters' },
  },
  configurations: {
    columns: { id: 'text', pipeline_id: 'text', version: 'integer', yaml: 'text', created_at: 'time' },
    primaryKey: ['id'],
    unique: [['pipeline_id', 'version']],
    references: { pipeline_id: 'pipelines' },
  },
  agents: {
    columns: { id: 'text', cluster_id: 'text', hello: 'json', registered_at: 'time', last_seen_at: 'time' },
    primaryKey: ['id'],
    references: { cluster_id: 'clusters' },
  },
  // No reference to the pipeline: an instance may outlive it until its agent has let go.
  assignments: {
    columns: {
      instance_id: 'text',
      cluster_id: 'text',
      pipeline_id: 'text',
      slot: 'text',
      agent_id: 'text',
      configuration_id: 'text',
      lease_expires_at: 'time',
      released: 'boolean',
      completed: 'boolean',
    },
    primaryKey: ['instance_id'],
    unique: [['pipeline_id', 'slot']],
    references: { cluster_id: 'clusters' },
  },
} as const satisfies Readonly<Record<string, Table>>

type Tables = typeof tables
export type TableName = keyof Tables
type ValueOf<Type extends ColumnType> = Type extends 'integer' | 'time'
  ? number
  : Type extends 'boolean'
    ? 0 | 1
    : string

/** A row of a table as the database answers it. */
export type Row<Name extends keyof Tables> = {
  readonly [Column in keyof Tables[Name]['columns']]: Tables[Name]['columns'][Column] extends ColumnType
    ? ValueOf<Tables[Name]['columns'][Column]>
    : never
}

/** The statements that create what is missing, in a dialect's type names. */
export function createStatements(typeNames: Readonly<Record<ColumnType, string>>): string[] {
  return Object.entries<Table>(tables).map(([name, table]) => {
    const columns = Object.entries(table.columns).map(([column, type]) => {
      const parent = table.references?.[column]
      const reference = parent === undefined ? '' : ` REFERENCES ${parent} ON DELETE CASCADE`
      return `${column} ${typeNames[type]} NOT NULL${reference}`
    })
    const keys = [
      `PRIMARY KEY (${table.primaryKey.join(', ')})`,
      ...(table.unique ?? []).map(unique => `UNIQUE (${unique.join(', ')})`),
    ]
    return `CREATE TABLE IF NOT EXISTS ${name} (${[...columns, ...keys].join(', ')})`
  })
}
