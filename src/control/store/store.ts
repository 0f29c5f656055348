import type { RowSet, Sql } from '../../database/index.ts'
import type { AccessGrant, PipelineState } from '../api-types.ts'
import type { PipelineSettings } from '../configuration/settings.ts'
import type { AgentReport, InstanceOrder } from '../agent-link.ts'
import type {
  AgentHello,
  Assignment,
  Cluster,
  Configuration,
  ConfigurationVersion,
  Pipeline,
  PipelineSummary,
  RegisteredAgent,
  RunningPipeline,
  Session,
  StoredKey,
} from '../model.ts'
import type { ClusterFactRow, ControlPlaneRow, Row, TableName } from './schema.ts'

// The reads and writes of the model, each one statement, also for sets of rows. Rules are enforced by the callers.

// ── Clusters ──

export async function listClusters(sql: Sql): Promise<Cluster[]> {
  return (await sql.all<Row<'clusters'>>('SELECT * FROM clusters ORDER BY created_at, id')).map(toCluster)
}

export async function findCluster(sql: Sql, id: string): Promise<Cluster | undefined> {
  return (await sql.all<Row<'clusters'>>('SELECT * FROM clusters WHERE id = ?', id)).map(toCluster)[0]
}

/** Locks the cluster until the transaction ends. */
export async function lockCluster(sql: Sql, id: string): Promise<void> {
  await sql.all('SELECT id FROM clusters WHERE id = ? FOR UPDATE', id)
}

/** The facts about a cluster other than its name, by name. */
export async function clusterFacts(sql: Sql, clusterId: string): Promise<ReadonlyMap<string, string>> {
  const rows = await sql.all<ClusterFactRow>('SELECT name, value FROM cluster_facts WHERE cluster_id = ?', clusterId)
  return new Map(rows.map(({ name, value }) => [name, value]))
}

export async function setClusterFact(sql: Sql, clusterId: string, name: string, value: string): Promise<void> {
  await sql.run(
    `INSERT INTO cluster_facts (cluster_id, name, value) VALUES (?, ?, ?)
     ON CONFLICT (cluster_id, name) DO UPDATE SET value = excluded.value`,
    clusterId,
    name,
    value,
  )
}

export async function renameCluster(sql: Sql, id: string, name: string): Promise<void> {
  await sql.run('UPDATE clusters SET name = ? WHERE id = ?', name, id)
}

/** Deletes a cluster with everything that belongs to it. */
export async function deleteCluster(sql: Sql, id: string): Promise<void> {
  await sql.run('DELETE FROM clusters WHERE id = ?', id)
}

export async function insertCluster(sql: Sql, cluster: Cluster): Promise<void> {
  await insert(sql, 'clusters', { id: cluster.id, name: cluster.name, created_at: cluster.createdAt })
}

// ── Keys, sessions, sign-in tokens ──

export async function listKeys(sql: Sql): Promise<StoredKey[]> {
  return (await sql.all<Row<'api_keys'>>('SELECT * FROM api_keys ORDER BY created_at, id')).map(toKey)
}

export async function findKey(sql: Sql, id: string): Promise<StoredKey | undefined> {
  return (await sql.all<Row<'api_keys'>>('SELECT * FROM api_keys WHERE id = ?', id)).map(toKey)[0]
}

export async function findKeyByName(sql: Sql, name: string): Promise<StoredKey | undefined> {
  return (await sql.all<Row<'api_keys'>>('SELECT * FROM api_keys WHERE name = ?', name)).map(toKey)[0]
}

export async function findKeyByHash(sql: Sql, secretHash: string): Promise<StoredKey | undefined> {
  return (await sql.all<Row<'api_keys'>>('SELECT * FROM api_keys WHERE secret_hash = ?', secretHash)).map(toKey)[0]
}

export async function insertKey(sql: Sql, key: StoredKey): Promise<void> {
  await insert(sql, 'api_keys', {
    id: key.id,
    name: key.name,
    secret_hash: key.secretHash,
    sealed_secret: key.sealedSecret,
    access_grants: JSON.stringify(key.grants),
    created_at: key.createdAt,
  })
}

/** Resolves to false if there was no such key. */
export async function deleteKey(sql: Sql, id: string): Promise<boolean> {
  return (await sql.run('DELETE FROM api_keys WHERE id = ?', id)) > 0
}

/** Removes and returns the keys of the first version, whose secrets were stored in plain text. */
export async function takeClearKeys(
  sql: Sql,
): Promise<{ key: Omit<StoredKey, 'secretHash' | 'sealedSecret'>; secret: string }[]> {
  const rows = await sql.all<{ id: string; name: string; secret: string; access_grants: string; created_at: number }>(
    'DELETE FROM clear_api_keys RETURNING *',
  )
  return rows.map(row => ({
    key: { id: row.id, name: row.name, grants: parseGrants(row.access_grants), createdAt: row.created_at },
    secret: row.secret,
  }))
}

export async function insertSession(sql: Sql, session: Session): Promise<void> {
  await insert(sql, 'sessions', {
    secret_hash: session.secretHash,
    key_id: session.keyId,
    created_at: session.createdAt,
    expires_at: session.expiresAt,
  })
}

export async function findSession(sql: Sql, secretHash: string, now: number): Promise<Session | undefined> {
  const query = 'SELECT * FROM sessions WHERE secret_hash = ? AND expires_at > ?'
  const [row] = await sql.all<Row<'sessions'>>(query, secretHash, now)
  return (
    row && {
      secretHash: row.secret_hash,
      keyId: row.key_id,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    }
  )
}

export async function deleteSession(sql: Sql, secretHash: string): Promise<void> {
  await sql.run('DELETE FROM sessions WHERE secret_hash = ?', secretHash)
}

export async function deleteSessionsOfKey(sql: Sql, keyId: string): Promise<void> {
  await sql.run('DELETE FROM sessions WHERE key_id = ?', keyId)
}

/** Deletes expired sessions and sign-in tokens. */
export async function deleteExpired(sql: Sql, now: number): Promise<void> {
  await sql.run('DELETE FROM sessions WHERE expires_at <= ?', now)
  await sql.run('DELETE FROM sign_in_tokens WHERE expires_at <= ?', now)
}

export async function hasSignInToken(sql: Sql, secretHash: string, now: number): Promise<boolean> {
  const query = 'SELECT secret_hash FROM sign_in_tokens WHERE secret_hash = ? AND expires_at > ?'
  return (await sql.all(query, secretHash, now)).length > 0
}

export async function upsertSignInToken(sql: Sql, secretHash: string, expiresAt: number): Promise<void> {
  await sql.run(
    'INSERT INTO sign_in_tokens (secret_hash, expires_at) VALUES (?, ?) ON CONFLICT (secret_hash) DO UPDATE SET expires_at = excluded.expires_at',
    secretHash,
    expiresAt,
  )
}

export async function deleteSignInToken(sql: Sql, secretHash: string): Promise<void> {
  await sql.run('DELETE FROM sign_in_tokens WHERE secret_hash = ?', secretHash)
}

// ── Pipelines ──

export async function listPipelines(sql: Sql, clusterId: string): Promise<Pipeline[]> {
  const query = 'SELECT * FROM pipelines WHERE cluster_id = ? ORDER BY created_at, id'
  return (await sql.all<Row<'pipelines'>>(query, clusterId)).map(toPipeline)
}

const summaryQuery = `
  SELECT p.*, d.version AS deployed_version, d.settings,
    (SELECT MAX(c.version) FROM configurations AS c WHERE c.pipeline_id = p.id) AS latest_version
  FROM pipelines AS p LEFT JOIN configurations AS d ON d.id = p.deployed_configuration_id
  WHERE p.cluster_id = ?`

type SummaryRow = Row<'pipelines'> & {
  readonly deployed_version: number | null
  readonly latest_version: number | null
  readonly settings: string | null
}

/** All pipelines of a cluster, oldest first, without the text of any configuration. */
export async function listSummaries(sql: Sql, clusterId: string): Promise<PipelineSummary[]> {
  const rows = await sql.all<SummaryRow>(`${summaryQuery} ORDER BY p.created_at, p.id`, clusterId)
  return rows.map(toSummary)
}

export async function findSummary(sql: Sql, clusterId: string, id: string): Promise<PipelineSummary | undefined> {
  return (await sql.all<SummaryRow>(`${summaryQuery} AND p.id = ?`, clusterId, id)).map(toSummary)[0]
}

/** The pipelines that should run, with what placement needs. */
export async function listRunning(sql: Sql, clusterId: string): Promise<RunningPipeline[]> {
  const rows = await sql.all<{ id: string; name: string; configuration_id: string; settings: string }>(
    `SELECT p.id, p.name, c.id AS configuration_id, c.settings
    FROM pipelines AS p JOIN configurations AS c ON c.id = p.deployed_configuration_id
    WHERE p.cluster_id = ? AND p.state = 'running' ORDER BY p.created_at, p.id`,
    clusterId,
  )
  return rows.map(row => ({
    id: row.id,
    name: row.name,
    configurationId: row.configuration_id,
    settings: parseSettings(row.settings),
  }))
}

/** With `lock`, locks the pipeline until the transaction ends. */
export async function findPipeline(
  sql: Sql,
  clusterId: string,
  id: string,
  lock: 'lock' | 'no lock' = 'no lock',
): Promise<Pipeline | undefined> {
  const query = `SELECT * FROM pipelines WHERE cluster_id = ? AND id = ?${lock === 'lock' ? ' FOR UPDATE' : ''}`
  return (await sql.all<Row<'pipelines'>>(query, clusterId, id)).map(toPipeline)[0]
}

export async function hasPipelineNamed(sql: Sql, clusterId: string, name: string): Promise<boolean> {
  const query = 'SELECT id FROM pipelines WHERE cluster_id = ? AND name = ?'
  return (await sql.all(query, clusterId, name)).length > 0
}

export async function insertPipeline(sql: Sql, pipeline: Pipeline): Promise<void> {
  await insert(sql, 'pipelines', {
    id: pipeline.id,
    cluster_id: pipeline.clusterId,
    name: pipeline.name,
    type: pipeline.type,
    state: pipeline.state,
    deployed_configuration_id: pipeline.deployedConfigurationId,
    created_at: pipeline.createdAt,
  })
}

/** The changeable properties of a pipeline; absent ones stay the same. */
export interface PipelineChange {
  readonly name?: string
  readonly state?: PipelineState
  readonly deployedConfigurationId?: string
}

export async function updatePipeline(sql: Sql, id: string, change: PipelineChange): Promise<void> {
  await sql.run(
    'UPDATE pipelines SET name = COALESCE(?, name), state = COALESCE(?, state), deployed_configuration_id = COALESCE(?, deployed_configuration_id) WHERE id = ?',
    change.name ?? null,
    change.state ?? null,
    change.deployedConfigurationId ?? null,
    id,
  )
}

export async function deletePipeline(sql: Sql, id: string): Promise<void> {
  await sql.run('DELETE FROM pipelines WHERE id = ?', id)
}

// ── Configurations ──

const configurationQuery =
  'SELECT c.*, t.yaml FROM configurations AS c JOIN configuration_texts AS t ON t.configuration_id = c.id'

type ConfigurationRow = Row<'configurations'> & Pick<Row<'configuration_texts'>, 'yaml'>

/** Oldest first, with their texts. */
export async function listConfigurations(sql: Sql, pipelineId: string): Promise<Configuration[]> {
  const query = `${configurationQuery} WHERE c.pipeline_id = ? ORDER BY c.version`
  return (await sql.all<ConfigurationRow>(query, pipelineId)).map(toConfiguration)
}

/** Oldest first, without their texts. */
export async function listVersions(sql: Sql, pipelineId: string): Promise<ConfigurationVersion[]> {
  const rows = await sql.all<Pick<Row<'configurations'>, 'id' | 'version' | 'created_at'>>(
    'SELECT id, version, created_at FROM configurations WHERE pipeline_id = ? ORDER BY version',
    pipelineId,
  )
  return rows.map(row => ({ id: row.id, version: row.version, createdAt: row.created_at }))
}

export async function findConfiguration(sql: Sql, id: string): Promise<Configuration | undefined> {
  return (await sql.all<ConfigurationRow>(`${configurationQuery} WHERE c.id = ?`, id)).map(toConfiguration)[0]
}

export async function hasConfiguration(sql: Sql, pipelineId: string, id: string): Promise<boolean> {
  const query = 'SELECT id FROM configurations WHERE pipeline_id = ? AND id = ?'
  return (await sql.all(query, pipelineId, id)).length > 0
}

/** Configurations of the first version, which did not store their settings. */
export async function listWithoutSettings(sql: Sql): Promise<{ readonly id: string; readonly yaml: string }[]> {
  return sql.all<ConfigurationRow>(`${configurationQuery} WHERE c.settings = ''`)
}

export async function setSettings(
  sql: Sql,
  all: readonly { readonly id: string; readonly settings: PipelineSettings }[],
): Promise<void> {
  const rows = all.map(({ id, settings }) => [id, JSON.stringify(settings)])
  await sql.run(
    'UPDATE configurations SET settings = r.settings FROM ROWS(id text, settings text) AS r WHERE configurations.id = r.id',
    rows,
  )
}

/** The number of the next version. */
export async function nextVersion(sql: Sql, pipelineId: string): Promise<number> {
  const query = 'SELECT COALESCE(MAX(version) + 1, 0) AS version FROM configurations WHERE pipeline_id = ?'
  return (await sql.all<{ version: number }>(query, pipelineId))[0]!.version
}

export async function insertConfiguration(
  sql: Sql,
  configuration: Configuration & { readonly settings: PipelineSettings },
): Promise<void> {
  await insert(sql, 'configurations', {
    id: configuration.id,
    pipeline_id: configuration.pipelineId,
    version: configuration.version,
    settings: JSON.stringify(configuration.settings),
    created_at: configuration.createdAt,
  })
  await insert(sql, 'configuration_texts', { configuration_id: configuration.id, yaml: configuration.yaml })
}

// ── Agents ──

export async function listAgents(sql: Sql, clusterId: string): Promise<RegisteredAgent[]> {
  const query = 'SELECT * FROM agents WHERE cluster_id = ? ORDER BY registered_at, id'
  return (await sql.all<Row<'agents'>>(query, clusterId)).map(toAgent)
}

export async function findAgent(sql: Sql, clusterId: string, id: string): Promise<RegisteredAgent | undefined> {
  const query = 'SELECT * FROM agents WHERE cluster_id = ? AND id = ?'
  return (await sql.all<Row<'agents'>>(query, clusterId, id)).map(toAgent)[0]
}

export async function findAgentByIdentity(
  sql: Sql,
  clusterId: string,
  identity: string,
): Promise<RegisteredAgent | undefined> {
  const query = 'SELECT * FROM agents WHERE cluster_id = ? AND identity = ?'
  return (await sql.all<Row<'agents'>>(query, clusterId, identity)).map(toAgent)[0]
}

export async function insertAgent(sql: Sql, agent: RegisteredAgent): Promise<void> {
  await insert(sql, 'agents', {
    id: agent.id,
    cluster_id: agent.clusterId,
    identity: agent.hello.identity ?? '',
    hello: JSON.stringify(agent.hello),
    registered_at: agent.registeredAt,
    last_seen_at: agent.lastSeenAt,
    orders_revision: agent.ordersRevision,
    reported_revision: agent.reported?.revision ?? null,
    held: JSON.stringify(agent.reported?.held ?? []),
  })
}

/** Updates an agent that returns with its identity: it has not applied any orders yet. */
export async function reviveAgent(sql: Sql, id: string, hello: AgentHello, now: number): Promise<void> {
  await sql.run(
    "UPDATE agents SET hello = ?, registered_at = ?, last_seen_at = ?, orders_revision = orders_revision + 1, reported_revision = NULL, held = '[]' WHERE id = ?",
    JSON.stringify(hello),
    now,
    now,
    id,
  )
}

export async function setHello(sql: Sql, id: string, hello: AgentHello): Promise<void> {
  await sql.run('UPDATE agents SET hello = ? WHERE id = ?', JSON.stringify(hello), id)
}

/**
 * Records that an agent is alive, and renews its leases. False if the agent is unknown because it was considered lost.
 */
export async function touchAgent(sql: Sql, id: string, seenAt: number, leaseExpiresAt: number): Promise<boolean> {
  const known = await sql.run('UPDATE agents SET last_seen_at = ? WHERE id = ?', seenAt, id)
  if (known > 0) await sql.run('UPDATE assignments SET lease_expires_at = ? WHERE agent_id = ?', leaseExpiresAt, id)
  return known > 0
}

/** Makes an agent that has left count as silent. */
export async function markLeft(sql: Sql, id: string): Promise<void> {
  await sql.run('UPDATE agents SET last_seen_at = 0 WHERE id = ?', id)
}

export async function deleteAgents(sql: Sql, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await sql.run('DELETE FROM agents WHERE id IN (SELECT id FROM ROWS(id text) AS r)', idRows(ids))
}

/** Increments the orders revision of agents whose orders have changed. */
export async function advanceOrders(sql: Sql, agentIds: readonly string[]): Promise<void> {
  if (agentIds.length === 0) return
  const statement =
    'UPDATE agents SET orders_revision = orders_revision + 1 WHERE id IN (SELECT id FROM ROWS(id text) AS r)'
  await sql.run(statement, idRows(agentIds))
}

/** Stores which orders an agent has applied and what it holds. Resolves to false if the agent is no longer known. */
export async function noteReported(
  sql: Sql,
  id: string,
  reported: NonNullable<RegisteredAgent['reported']>,
): Promise<boolean> {
  const known = await sql.run(
    'UPDATE agents SET reported_revision = ?, held = ? WHERE id = ?',
    reported.revision,
    JSON.stringify(reported.held),
    id,
  )
  return known > 0
}

export async function upsertReport(sql: Sql, agentId: string, report: AgentReport, now: number): Promise<void> {
  // Nothing is stored for an agent that was considered lost in the meantime.
  await sql.run(
    `INSERT INTO agent_reports (agent_id, reported_at, report) SELECT id, ?, ? FROM agents WHERE id = ?
    ON CONFLICT (agent_id) DO UPDATE SET reported_at = excluded.reported_at, report = excluded.report`,
    now,
    JSON.stringify(report),
    agentId,
  )
}

/** The reports of a cluster's agents stored after `since`. */
export async function listReports(
  sql: Sql,
  clusterId: string,
  since: number,
): Promise<{ readonly agentId: string; readonly reportedAt: number; readonly report: AgentReport }[]> {
  const rows = await sql.all<Row<'agent_reports'>>(
    `SELECT r.* FROM agent_reports AS r JOIN agents AS a ON a.id = r.agent_id
    WHERE a.cluster_id = ? AND r.reported_at > ?`,
    clusterId,
    since,
  )
  return rows.map(row => ({
    agentId: row.agent_id,
    reportedAt: row.reported_at,
    report: JSON.parse(row.report) as AgentReport, // as `upsertReport` wrote it
  }))
}

// ── Assignments ──

export async function listAssignments(sql: Sql, clusterId: string): Promise<Assignment[]> {
  const query = 'SELECT * FROM assignments WHERE cluster_id = ? ORDER BY pipeline_id, slot'
  return (await sql.all<Row<'assignments'>>(query, clusterId)).map(toAssignment)
}

/** All instances that an agent should run. */
export async function listOrders(sql: Sql, agentId: string): Promise<InstanceOrder[]> {
  const rows = await sql.all<{
    instance_id: string
    pipeline_id: string
    pipeline_name: string
    configuration_id: string
    version: number
    yaml: string
    completed: 0 | 1
    slot: string
    epoch: number | null
  }>(
    `SELECT a.instance_id, a.pipeline_id, p.name AS pipeline_name, a.configuration_id, c.version, t.yaml, a.completed,
      a.slot, e.epoch
    FROM assignments AS a LEFT JOIN slot_epochs AS e ON e.pipeline_id = a.pipeline_id AND e.slot = a.slot JOIN configurations AS c ON c.id = a.configuration_id
    JOIN configuration_texts AS t ON t.configuration_id = c.id JOIN pipelines AS p ON p.id = a.pipeline_id
    WHERE a.agent_id = ? AND a.released = 0 ORDER BY a.pipeline_id, a.slot`,
    agentId,
  )
  return rows.map(row => ({
    instanceId: row.instance_id,
    pipelineId: row.pipeline_id,
    pipelineName: row.pipeline_name,
    configurationId: row.configuration_id,
    version: row.version,
    yaml: row.yaml,
    completed: row.completed !== 0,
    fence: row.epoch === null ? null : { lease: `pipeline/${row.pipeline_id}/${row.slot}`, epoch: row.epoch },
  }))
}

/** Increments the epochs of these slots, which are being given to an agent. */
export async function advanceSlots(
  sql: Sql,
  slots: readonly { readonly pipelineId: string; readonly slot: string }[],
): Promise<void> {
  if (slots.length === 0) return
  await sql.run(
    `INSERT INTO slot_epochs (pipeline_id, slot, epoch) SELECT pipeline_id, slot, 1
    FROM ROWS(pipeline_id text, slot text) AS r WHERE true
    ON CONFLICT (pipeline_id, slot) DO UPDATE SET epoch = slot_epochs.epoch + 1`,
    slots.map(({ pipelineId, slot }) => [pipelineId, slot]),
  )
}

export async function insertAssignments(sql: Sql, assignments: readonly Assignment[]): Promise<void> {
  if (assignments.length === 0) return
  const columns =
    'instance_id text, cluster_id text, pipeline_id text, slot text, agent_id text, configuration_id text, lease_expires_at integer, released integer, completed integer'
  const names = columns.replaceAll(/ (text|integer)/g, '')
  const rows: RowSet = assignments.map(one => [
    one.instanceId,
    one.clusterId,
    one.pipelineId,
    one.slot,
    one.agentId,
    one.configurationId,
    one.leaseExpiresAt,
    one.released ? 1 : 0,
    one.completed ? 1 : 0,
  ])
  await sql.run(`INSERT INTO assignments (${names}) SELECT ${names} FROM ROWS(${columns}) AS r`, rows)
}

export async function updateAssignments(sql: Sql, assignments: readonly Assignment[]): Promise<void> {
  if (assignments.length === 0) return
  const rows: RowSet = assignments.map(one => [
    one.instanceId,
    one.configurationId,
    one.released ? 1 : 0,
    one.completed ? 1 : 0,
  ])
  await sql.run(
    `UPDATE assignments SET configuration_id = r.configuration_id, released = r.released, completed = r.completed
    FROM ROWS(instance_id text, configuration_id text, released integer, completed integer) AS r
    WHERE assignments.instance_id = r.instance_id`,
    rows,
  )
}

export async function deleteAssignments(sql: Sql, instanceIds: readonly string[]): Promise<void> {
  if (instanceIds.length === 0) return
  const statement = 'DELETE FROM assignments WHERE instance_id IN (SELECT id FROM ROWS(id text) AS r)'
  await sql.run(statement, idRows(instanceIds))
}

/** Marks instances that reached the end of their input, if they still run the same configuration. */
export async function completeAssignments(
  sql: Sql,
  instances: readonly { readonly instanceId: string; readonly configurationId: string }[],
): Promise<void> {
  if (instances.length === 0) return
  await sql.run(
    `UPDATE assignments SET completed = 1 FROM ROWS(instance_id text, configuration_id text) AS r
    WHERE assignments.instance_id = r.instance_id AND assignments.configuration_id = r.configuration_id`,
    instances.map(({ instanceId, configurationId }) => [instanceId, configurationId]),
  )
}

/** Removes the assignments of an agent, except completed ones. */
export async function deleteUncompleted(sql: Sql, agentId: string): Promise<void> {
  await sql.run('DELETE FROM assignments WHERE agent_id = ? AND completed = 0', agentId)
}

// ── Control planes ──

/** Records that a control plane is running, and forgets those last seen before `since`. */
export async function upsertPlane(
  sql: Sql,
  { id, url }: Pick<ControlPlaneRow, 'id' | 'url'>,
  now: number,
  since: number,
): Promise<void> {
  await sql.run('DELETE FROM control_planes WHERE seen_at < ?', since)
  await sql.run(
    `INSERT INTO control_planes (id, url, seen_at) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET url = excluded.url, seen_at = excluded.seen_at`,
    id,
    url,
    now,
  )
}

export async function listPlanes(sql: Sql): Promise<readonly Pick<ControlPlaneRow, 'id' | 'url'>[]> {
  return sql.all<Pick<ControlPlaneRow, 'id' | 'url'>>('SELECT id, url FROM control_planes ORDER BY id')
}

export async function deletePlane(sql: Sql, id: string): Promise<void> {
  await sql.run('DELETE FROM control_planes WHERE id = ?', id)
}

// ── Conversion between rows and the model ──

async function insert<Name extends TableName>(sql: Sql, table: Name, row: Row<Name>): Promise<void> {
  const columns = Object.keys(row)
  const marks = columns.map(() => '?').join(', ')
  const values = Object.values(row) as (string | number | null)[] // the types of all columns
  await sql.run(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`, ...values)
}

function idRows(ids: readonly string[]): RowSet {
  return ids.map(id => [id])
}

function toCluster(row: Row<'clusters'>): Cluster {
  return { id: row.id, name: row.name, createdAt: row.created_at }
}

function toKey(row: Row<'api_keys'>): StoredKey {
  return {
    id: row.id,
    name: row.name,
    secretHash: row.secret_hash,
    sealedSecret: row.sealed_secret,
    grants: parseGrants(row.access_grants),
    createdAt: row.created_at,
  }
}

function toPipeline(row: Row<'pipelines'>): Pipeline {
  return {
    id: row.id,
    clusterId: row.cluster_id,
    name: row.name,
    type: row.type,
    state: row.state as PipelineState, // only PipelineStates are written
    deployedConfigurationId: row.deployed_configuration_id,
    createdAt: row.created_at,
  }
}

function toSummary(row: SummaryRow): PipelineSummary {
  return {
    ...toPipeline(row),
    deployedVersion: row.deployed_version,
    latestVersion: row.latest_version,
    pipelineGroup: row.settings === null ? '' : parseSettings(row.settings).pipelineGroup,
  }
}

function toConfiguration(row: ConfigurationRow): Configuration {
  return { id: row.id, pipelineId: row.pipeline_id, version: row.version, yaml: row.yaml, createdAt: row.created_at }
}

function toAgent(row: Row<'agents'>): RegisteredAgent {
  return {
    id: row.id,
    clusterId: row.cluster_id,
    hello: JSON.parse(row.hello) as AgentHello, // as `insertAgent` and `reviveAgent` wrote it
    registeredAt: row.registered_at,
    lastSeenAt: row.last_seen_at,
    ordersRevision: row.orders_revision,
    reported:
      row.reported_revision === null
        ? null
        : { revision: row.reported_revision, held: JSON.parse(row.held) as string[] }, // as `noteReported` wrote it
  }
}

function toAssignment(row: Row<'assignments'>): Assignment {
  return {
    instanceId: row.instance_id,
    clusterId: row.cluster_id,
    pipelineId: row.pipeline_id,
    slot: row.slot,
    agentId: row.agent_id,
    configurationId: row.configuration_id,
    leaseExpiresAt: row.lease_expires_at,
    released: row.released !== 0,
    completed: row.completed !== 0,
  }
}

function parseGrants(text: string): AccessGrant[] {
  return JSON.parse(text) as AccessGrant[] // as `insertKey` wrote it
}

function parseSettings(text: string): PipelineSettings {
  return JSON.parse(text) as PipelineSettings // as `insertConfiguration` wrote it
}
