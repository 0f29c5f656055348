import type { Clock, Random } from '../base/index.ts'
import type { Database, Sql } from '../database/index.ts'
import { ensured } from './ensure.ts'
import type { AccessGrant } from './api-types.ts'
import { newId } from './ids.ts'
import type { Cluster } from './model.ts'
import * as store from './store/store.ts'

/** There is one workspace. */
export const workspaceId = 'wi_default'

const defaultName = 'vcn_default'

/** The grant of a cluster's agents: to serve that cluster. */
export function accessGrantOfAgents(clusterId: string): AccessGrant {
  return { principal_kind: 'agent', resource_kind: 'virtual_cluster', resource_id: clusterId }
}

/** The cluster that every deployment has from its first start. */
export function ensureDefaultCluster(
  database: Database,
  clock: Clock,
  random: Random,
  id = newId('vci', random),
): Promise<Cluster> {
  const find = async (sql: Sql) => {
    const known = (await store.listClusters(sql)).find(({ name }) => name === defaultName)
    if (known !== undefined) return known
    const cluster = { id, name: defaultName, createdAt: clock.now() }
    await store.insertCluster(sql, cluster)
    return cluster
  }
  return ensured(() => database.transaction({ kind: 'write' }, find))
}
