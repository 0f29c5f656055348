import { isAuthorized } from '../access.ts'
import type { VirtualCluster } from '../api-types.ts'
import { workspaceId } from '../clusters.ts'
import { accessLevels } from '../contract/access.ts'
import type { Cluster } from '../model.ts'
import * as store from '../store/store.ts'
import type { Call, Handlers } from './endpoint.ts'
import { apiKey } from './keys.ts'

export const clusterHandlers: Handlers<'list_virtual_clusters' | 'describe_virtual_cluster'> = {
  async list_virtual_clusters(call) {
    return { virtual_clusters: await Promise.all((await visibleClusters(call)).map(one => virtualCluster(call, one))) }
  },

  async describe_virtual_cluster(call) {
    return { virtual_cluster: await virtualCluster(call, call.cluster) }
  },
}

/** The clusters that the caller has a grant for, oldest first. */
export async function visibleClusters({ plane, caller }: Call): Promise<Cluster[]> {
  if (caller === undefined) return []
  return (await plane.clusters()).filter(({ id }) => isAuthorized(accessLevels.cluster_read, caller, id))
}

/** A cluster in the original's terms. Fields without a meaning here have values that its clients accept. */
export async function virtualCluster(call: Call, cluster: Cluster): Promise<VirtualCluster> {
  const { plane, caller } = call
  const seesSecrets = caller !== undefined && isAuthorized(accessLevels.cluster_write, caller, cluster.id)
  const keys = seesSecrets ? await plane.keys.list() : []
  const ofAgents = keys.filter(({ grants }) =>
    grants.some(({ principal_kind, resource_id }) => principal_kind.startsWith('agent') && resource_id === cluster.id),
  )
  const facts = await plane.options.database.transaction({ kind: 'read' }, sql => store.clusterFacts(sql, cluster.id))
  return {
    id: cluster.id,
    name: cluster.name,
    type: 'byoc',
    agent_keys: seesSecrets ? ofAgents.map(apiKey) : null,
    agent_pool_id: cluster.id.replace(/^vci_/, 'api_'),
    agent_pool_name: cluster.name.replace(/^vcn_/, 'apn_'),
    created_at: new Date(cluster.createdAt).toISOString(),
    cloud_provider: 'aws',
    cluster_region: {
      is_multi_region: false,
      region_group: null,
      region: { name: 'us-east-1', cloud_provider: 'aws' },
    },
    bootstrap_url: await plane.fleet(cluster.id).kafkaAddress(),
    workspace_id: workspaceId,
    tier: facts.get('tier') ?? 'fundamentals',
  }
}
