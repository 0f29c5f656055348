import {
  boolean,
  createTable,
  integer,
  json,
  type Migration,
  nullable,
  references,
  type Row as RowOf,
  type Table,
  text,
  time,
} from '../../database/index.ts'

/** Every table of the control plane, declared once for all databases, parents first. */
export const tables = {
  clusters: {
    columns: { id: text, name: text, created_at: time },
    primaryKey: ['id'],
    unique: [['name']],
  },
  api_keys: {
    columns: {
      id: text,
      name: text,
      secret_hash: text,
      /** Encrypted with a key that is not in the database. */
      sealed_secret: text,
      access_grants: json,
      created_at: time,
    },
    primaryKey: ['id'],
    unique: [['name'], ['secret_hash']],
  },
  sessions: {
    columns: {
      secret_hash: text,
      /** The API key that signed in; empty for a sign-in token. */
      key_id: text,
      created_at: time,
      expires_at: time,
    },
    primaryKey: ['secret_hash'],
    indexes: [['key_id']],
  },
  sign_in_tokens: {
    columns: { secret_hash: text, expires_at: time },
    primaryKey: ['secret_hash'],
  },
  pipelines: {
    columns: {
      id: text,
      cluster_id: references('clusters', text),
      name: text,
      type: text,
      state: text,
      deployed_configuration_id: text,
      created_at: time,
    },
    primaryKey: ['id'],
    unique: [['cluster_id', 'name']],
  },
  configurations: {
    columns: {
      id: text,
      pipeline_id: references('pipelines', text),
      version: integer,
      /** The settings of the `warpstream` block, computed once when the version is saved. */
      settings: json,
      created_at: time,
    },
    primaryKey: ['id'],
    unique: [['pipeline_id', 'version']],
  },
  // In a separate table, because long rows slow down every query.
  configuration_texts: {
    columns: { configuration_id: references('configurations', text), yaml: text },
    primaryKey: ['configuration_id'],
  },
  agents: {
    columns: {
      id: text,
      cluster_id: references('clusters', text),
      /** Empty for an agent that is new at each start. */
      identity: text,
      hello: json,
      registered_at: time,
      last_seen_at: time,
      /** Grows whenever the agent's orders change. */
      orders_revision: integer,
      /** The newest orders that the agent has applied, and the instances it held then; null until its first report. */
      reported_revision: nullable(integer),
      held: json,
    },
    primaryKey: ['id'],
    indexes: [['cluster_id']],
    isHot: true,
  },
  // The newest report of each agent, for control planes that the agent is not linked to.
  agent_reports: {
    columns: { agent_id: references('agents', text), reported_at: time, report: json },
    primaryKey: ['agent_id'],
    isHot: true,
  },
  // Does not reference the pipeline: an instance may outlive it until its agent has released it.
  assignments: {
    columns: {
      instance_id: text,
      cluster_id: references('clusters', text),
      pipeline_id: text,
      slot: text,
      agent_id: text,
      configuration_id: text,
      lease_expires_at: time,
      released: boolean,
      completed: boolean,
    },
    primaryKey: ['instance_id'],
    unique: [['pipeline_id', 'slot']],
    indexes: [['cluster_id'], ['agent_id']],
    isHot: true,
  },
} as const satisfies Readonly<Record<string, Table>>

/** Facts about a cluster by name: its tier, its tags, whether it is protected. Added in the third version. */
const clusterFacts = {
  columns: { cluster_id: references('clusters', text), name: text, value: text },
  primaryKey: ['cluster_id', 'name'],
} satisfies Table

/** How often a slot that moves between agents was given to one. Added in the fourth version. */
const slotEpochs = {
  columns: { pipeline_id: references('pipelines', text), slot: text, epoch: integer },
  primaryKey: ['pipeline_id', 'slot'],
} satisfies Table

/** The running control planes and their addresses for each other. Added in the fourth version. */
const controlPlanes = {
  columns: { id: text, url: text, seen_at: time },
  primaryKey: ['id'],
  isHot: true,
} satisfies Table

export type ControlPlaneRow = RowOf<typeof controlPlanes>
export type ClusterFactRow = RowOf<typeof clusterFacts>

export type TableName = keyof typeof tables
/** A row of a table as the database returns it. */
export type Row<Name extends TableName> = RowOf<(typeof tables)[Name]>

/** The tables of the first version, which had no migrations. Never changed. */
const firstTables = {
  clusters: 'id TEXT NOT NULL, name TEXT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (id), UNIQUE (name)',
  api_keys:
    'id TEXT NOT NULL, name TEXT NOT NULL, secret TEXT NOT NULL, access_grants TEXT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (id)',
  pipelines:
    'id TEXT NOT NULL, cluster_id TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, state TEXT NOT NULL, deployed_configuration_id TEXT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (id)',
  configurations:
    'id TEXT NOT NULL, pipeline_id TEXT NOT NULL, version BIGINT NOT NULL, yaml TEXT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (id)',
  agents:
    'id TEXT NOT NULL, cluster_id TEXT NOT NULL, hello TEXT NOT NULL, registered_at BIGINT NOT NULL, last_seen_at BIGINT NOT NULL, PRIMARY KEY (id)',
  assignments:
    'instance_id TEXT NOT NULL, cluster_id TEXT NOT NULL, pipeline_id TEXT NOT NULL, slot TEXT NOT NULL, agent_id TEXT NOT NULL, configuration_id TEXT NOT NULL, lease_expires_at BIGINT NOT NULL, released BIGINT NOT NULL, completed BIGINT NOT NULL, PRIMARY KEY (instance_id)',
}

interface TakenOver {
  readonly columns: string
  readonly values: string
  /** The table of the first version, if it had another name. */
  readonly from?: keyof typeof firstTables
}

/** What the second version migrates from the first: the columns of each table, and their values. */
const takenOver: Readonly<Partial<Record<TableName, TakenOver>>> = {
  clusters: { columns: 'id, name, created_at', values: 'id, name, created_at' },
  pipelines: {
    columns: 'id, cluster_id, name, type, state, deployed_configuration_id, created_at',
    values: 'id, cluster_id, name, type, state, deployed_configuration_id, created_at',
  },
  // Empty settings are computed from the text when the control plane opens.
  configurations: {
    columns: 'id, pipeline_id, version, settings, created_at',
    values: "id, pipeline_id, version, '', created_at",
  },
  configuration_texts: { columns: 'configuration_id, yaml', values: 'id, yaml', from: 'configurations' },
  // Agents register again with their identity and keep their completed instances.
  agents: {
    columns: 'id, cluster_id, identity, hello, registered_at, last_seen_at, orders_revision, reported_revision, held',
    values: "id, cluster_id, 'local', hello, registered_at, 0, 1, NULL, '[]'",
  },
  assignments: {
    columns:
      'instance_id, cluster_id, pipeline_id, slot, agent_id, configuration_id, lease_expires_at, released, completed',
    values:
      'instance_id, cluster_id, pipeline_id, slot, agent_id, configuration_id, lease_expires_at, released, completed',
  },
}

/**
 * The schema's steps. The secrets of `clear_api_keys` are sealed by `Keys.open`, because only the program has the key.
 */
export const migrations: readonly Migration[] = [
  {
    name: 'tables of the first version',
    statements: () =>
      Object.entries(firstTables).map(([name, columns]) => `CREATE TABLE IF NOT EXISTS ${name} (${columns})`),
  },
  {
    name: 'sealed secrets, settings of configurations, agents of several control planes',
    statements: dialect => [
      // Deleted content is overwritten, here and when the secrets are sealed, so no plain-text secret stays in the
      // file.
      ...(dialect === 'sqlite' ? ['PRAGMA secure_delete = ON'] : []),
      'DROP TABLE IF EXISTS sessions',
      ...Object.keys(firstTables).map(name => `ALTER TABLE ${name} RENAME TO first_${name}`),
      ...Object.entries<Table>(tables).flatMap(([name, table]) => createTable(name, table, dialect)),
      ...Object.entries(takenOver).map(
        ([name, { columns, values, from = name }]) =>
          `INSERT INTO ${name} (${columns}) SELECT ${values} FROM first_${from}`,
      ),
      'CREATE TABLE clear_api_keys (id TEXT NOT NULL, name TEXT NOT NULL, secret TEXT NOT NULL, access_grants TEXT NOT NULL, created_at BIGINT NOT NULL)',
      'INSERT INTO clear_api_keys SELECT id, name, secret, access_grants, created_at FROM first_api_keys',
      // Children before their parents.
      ...Object.keys(firstTables)
        .toReversed()
        .map(name => `DROP TABLE first_${name}`),
    ],
  },
  {
    name: 'facts about clusters',
    statements: dialect => createTable('cluster_facts', clusterFacts, dialect),
  },
  {
    name: 'epochs of slots',
    statements: dialect => [
      ...createTable('slot_epochs', slotEpochs, dialect),
      // For assignments made by an earlier version.
      `INSERT INTO slot_epochs (pipeline_id, slot, epoch) SELECT a.pipeline_id, a.slot, 1 FROM assignments AS a
       JOIN pipelines AS p ON p.id = a.pipeline_id WHERE a.slot LIKE 'cluster/%'`,
    ],
  },
  { name: 'control planes', statements: dialect => createTable('control_planes', controlPlanes, dialect) },
]
