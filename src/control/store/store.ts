import type { AccessGrant, PipelineState } from '../api-types.ts'
import type { AgentHello, Assignment, Cluster, Configuration, Key, Pipeline, RegisteredAgent } from '../model.ts'
import type { Sql, SqlValue } from './database.ts'
import type { Row, TableName } from './schema.ts'

// The reads and writes of the model, each one statement. Rules are not here but with those who call them.

// ── Clusters ──

export async function listClusters(sql: Sql): Promise<Cluster[]> {
  return (await sql.all<Row<'clusters'>>('SELECT * FROM clusters ORDER BY created_at, id')).map(toCluster)
}

export async function insertCluster(sql: Sql, cluster: Cluster): Promise<void> {
  await insert(sql, 'clusters', { id: cluster.id, name: cluster.name, created_at: cluster.createdAt })
}

// ── Keys and sessions ──

export async function listKeys(sql: Sql): Promise<Key[]> {
  return (await sql.all<Row<'api_keys'>>('SELECT * FROM api_keys ORDER BY created_at, id')).map(toKey)
}

export async function insertKey(sql: Sql, key: Key): Promise<void> {
  const grants = JSON.stringify(key.grants)
  await insert(sql, 'api_keys', {
    id: key.id,
    name: key.name,
    secret: key.secret,
    access_grants: grants,
    created_at: key.createdAt,
  })
}

/** False when there was no such key. */
export async function deleteKey(sql: Sql, id: string): Promise<boolean> {
  return (await sql.run('DELETE FROM api_keys WHERE id = ?', id)) > 0
}

export async function insertSession(sql: Sql, secretHash: string, createdAt: number, expiresAt: number): Promise<void> {
  await sql.run('DELETE FROM sessions WHERE expires_at <= ?', createdAt)
  await insert(sql, 'sessions', {
    secret_hash: secretHash,
    created_at: createdAt,
    expires_at: expiresAt,
  })
}

export async function hasSession(sql: Sql, secretHash: string, now: number): Promise<boolean> {
  const rows = await sql.all('SELECT 1 FROM sessions WHERE secret_hash = ? AND expires_at > ?', secretHash, now)
  return rows.length > 0
}

export async function deleteSession(sql: Sql, secretHash: string): Promise<void> {
  await sql.run('DELETE FROM sessions WHERE secret_hash = ?', secretHash)
}

// ── Pipelines ──

export async function listPipelines(sql: Sql, clusterId: string): Promise<Pipeline[]> {
  const query = 'SELECT * FROM pipelines WHERE cluster_id = ? ORDER BY created_at, id'
  return (await sql.all<Row<'pipelines'>>(query, clusterId)).map(toPipeline)
}

export async function findPipeline(sql: Sql, clusterId: string, id: string): Promise<Pipeline | undefined> {
  const query = 'SELECT * FROM pipelines WHERE cluster_id = ? AND id = ?'
  return (await sql.all<Row<'pipelines'>>(query, clusterId, id)).map(toPipeline)[0]
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

export async function updatePipeline(sql: Sql, pipeline: Pipeline): Promise<void> {
  await sql.run(
    'UPDATE pipelines SET state = ?, deployed_configuration_id = ? WHERE id = ?',
    pipeline.state,
    pipeline.deployedConfigurationId,
    pipeline.id,
  )
}

export async function renamePipeline(sql: Sql, id: string, name: string): Promise<void> {
  await sql.run('UPDATE pipelines SET name = ? WHERE id = ?', name, id)
}

export async function deletePipeline(sql: Sql, id: string): Promise<void> {
  await sql.run('DELETE FROM pipelines WHERE id = ?', id)
}

/** Oldest first. */
export async function listConfigurations(sql: Sql, pipelineId: string): Promise<Configuration[]> {
  const query = 'SELECT * FROM configurations WHERE pipeline_id = ? ORDER BY version'
  return (await sql.all<Row<'configurations'>>(query, pipelineId)).map(toConfiguration)
}

export async function findConfiguration(sql: Sql, id: string): Promise<Configuration | undefined> {
  const query = 'SELECT * FROM configurations WHERE id = ?'
  return (await sql.all<Row<'configurations'>>(query, id)).map(toConfiguration)[0]
}

/** The version number that the next configuration gets. */
export async function nextVersion(sql: Sql, pipelineId: string): Promise<number> {
  const query = 'SELECT coalesce(max(version) + 1, 0) AS version FROM configurations WHERE pipeline_id = ?'
  return (await sql.all<{ version: number }>(query, pipelineId))[0]!.version
}

export async function insertConfiguration(sql: Sql, configuration: Configuration): Promise<void> {
  await insert(sql, 'configurations', {
    id: configuration.id,
    pipeline_id: configuration.pipelineId,
    version: configuration.version,
    yaml: configuration.yaml,
    created_at: configuration.createdAt,
  })
}

// ── Agents and assignments ──

export async function listAgents(sql: Sql, clusterId: string): Promise<RegisteredAgent[]> {
  const query = 'SELECT * FROM agents WHERE cluster_id = ? ORDER BY registered_at, id'
  return (await sql.all<Row<'agents'>>(query, clusterId)).map(toAgent)
}

export async function insertAgent(sql: Sql, agent: RegisteredAgent): Promise<void> {
  await insert(sql, 'agents', {
    id: agent.id,
    cluster_id: agent.clusterId,
    hello: JSON.stringify(agent.hello),
    registered_at: agent.registeredAt,
    last_seen_at: agent.lastSeenAt,
  })
}

/** An agent that comes back under its identity. */
export async function updateAgent(sql: Sql, agent: RegisteredAgent): Promise<void> {
  await sql.run(
    'UPDATE agents SET hello = ?, registered_at = ?, last_seen_at = ? WHERE id = ?',
    JSON.stringify(agent.hello),
    agent.registeredAt,
    agent.lastSeenAt,
    agent.id,
  )
}

/** False when the agent is not known, because it was taken for lost. */
export async function touchAgent(sql: Sql, id: string, seenAt: number, leaseExpiresAt: number): Promise<boolean> {
  const known = await sql.run('UPDATE agents SET last_seen_at = ? WHERE id = ?', seenAt, id)
  if (known > 0) await sql.run('UPDATE assignments SET lease_expires_at = ? WHERE agent_id = ?', leaseExpiresAt, id)
  return known > 0
}

export async function deleteAgent(sql: Sql, id: string): Promise<void> {
  await sql.run('DELETE FROM agents WHERE id = ?', id)
}

export async function listAssignments(sql: Sql, clusterId: string): Promise<Assignment[]> {
  const query = 'SELECT * FROM assignments WHERE cluster_id = ? ORDER BY pipeline_id, slot'
  return (await sql.all<Row<'assignments'>>(query, clusterId)).map(toAssignment)
}

export async function insertAssignment(sql: Sql, assignment: Assignment): Promise<void> {
  await insert(sql, 'assignments', {
    instance_id: assignment.instanceId,
    cluster_id: assignment.clusterId,
    pipeline_id: assignment.pipelineId,
    slot: assignment.slot,
    agent_id: assignment.agentId,
    configuration_id: assignment.configurationId,
    lease_expires_at: assignment.leaseExpiresAt,
    released: assignment.released ? 1 : 0,
    completed: assignment.completed ? 1 : 0,
  })
}

export async function updateAssignment(sql: Sql, assignment: Assignment): Promise<void> {
  await sql.run(
    'UPDATE assignments SET configuration_id = ?, released = ?, completed = ? WHERE instance_id = ?',
    assignment.configurationId,
    assignment.released ? 1 : 0,
    assignment.completed ? 1 : 0,
    assignment.instanceId,
  )
}

export async function deleteAssignment(sql: Sql, instanceId: string): Promise<void> {
  await sql.run('DELETE FROM assignments WHERE instance_id = ?', instanceId)
}

// ── Rows and the model ──

async function insert<Name extends TableName>(sql: Sql, table: Name, row: Row<Name>): Promise<void> {
  const columns = Object.keys(row)
  const values = Object.values<SqlValue>(row)
  const marks = columns.map(() => '?').join(', ')
  await sql.run(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`, ...values)
}

function toCluster(row: Row<'clusters'>): Cluster {
  return { id: row.id, name: row.name, createdAt: row.created_at }
}

function toKey(row: Row<'api_keys'>): Key {
  const grants = JSON.parse(row.access_grants) as AccessGrant[]
  return { id: row.id, name: row.name, secret: row.secret, grants, createdAt: row.created_at }
}

function toPipeline(row: Row<'pipelines'>): Pipeline {
  return {
    id: row.id,
    clusterId: row.cluster_id,
    name: row.name,
    type: row.type,
    state: row.state as PipelineState,
    deployedConfigurationId: row.deployed_configuration_id,
    createdAt: row.created_at,
  }
}

function toConfiguration(row: Row<'configurations'>): Configuration {
  return { id: row.id, pipelineId: row.pipeline_id, version: row.version, yaml: row.yaml, createdAt: row.created_at }
}

function toAgent(row: Row<'agents'>): RegisteredAgent {
  return {
    id: row.id,
    clusterId: row.cluster_id,
    hello: JSON.parse(row.hello) as AgentHello,
    registeredAt: row.registered_at,
    lastSeenAt: row.last_seen_at,
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
