import type { Clock, Random } from '../base/index.ts'
import { newId, newSecret } from './ids.ts'
import type { Cluster, Key } from './model.ts'
import type { Database } from './store/database.ts'
import * as store from './store/store.ts'

/** The cluster that a deployment has from its first start, and the keys to it. */
export interface FirstCluster {
  readonly cluster: Cluster
  /** For curl and Terraform. */
  readonly applicationKey: Key
  /** For agents. */
  readonly agentKey: Key
}

/** Finds what the first start made, or makes it. */
export function ensureFirstCluster(database: Database, clock: Clock, random: Random): Promise<FirstCluster> {
  return database.transaction('durable', async sql => {
    const createdAt = clock.now()
    let cluster = (await store.listClusters(sql))[0]
    if (cluster === undefined) {
      cluster = { id: newId('vci', random), name: 'vcn_default', createdAt }
      await store.insertCluster(sql, cluster)
    }
    const keys = await store.listKeys(sql)
    const ensureKey = async (name: string, grant: Key['grants'][number]): Promise<Key> => {
      const known = keys.find(key => key.name === name)
      if (known !== undefined) return known
      const key = { id: newId('aki', random), name, secret: newSecret('aks', random), grants: [grant], createdAt }
      await store.insertKey(sql, key)
      return key
    }
    return {
      cluster,
      applicationKey: await ensureKey('akn_default_application', {
        principal_kind: 'app',
        resource_kind: '*',
        resource_id: '*',
        workspace_id: workspaceId,
      }),
      agentKey: await ensureKey('akn_default_agent', {
        principal_kind: 'agent',
        resource_kind: 'virtual_cluster',
        resource_id: cluster.id,
      }),
    }
  })
}

/** There is one workspace. */
export const workspaceId = 'wi_default'
