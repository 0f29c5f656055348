import Type from 'typebox'
import { endpoint, flag, list, named, nullable, object, type Shape, text, timestamp } from './endpoint.ts'
import { ApiKey } from './keys.ts'
import { ClusterRequest, Empty } from './shared.ts'

export const VirtualCluster = named('VirtualCluster', {
  id: text('`vci_…`'),
  name: text('`vcn_…`'),
  type: Type.Literal('byoc'),
  agent_keys: nullable(list(ApiKey), 'Null for a read-only key, which sees no secrets.'),
  agent_pool_id: text(),
  agent_pool_name: text(),
  created_at: timestamp(),
  cloud_provider: text(),
  cluster_region: object({
    is_multi_region: flag(),
    region_group: Type.Null(),
    region: object({ name: text(), cloud_provider: text() }),
  }),
  bootstrap_url: nullable(
    text(),
    'Where Kafka clients connect first, `host:port`; null while no agent with the proxy role is alive.',
  ),
  workspace_id: text(),
  tier: text(),
})
export type VirtualCluster = Shape<typeof VirtualCluster>

export const clusterEndpoints = {
  list_virtual_clusters: endpoint({
    summary: 'Lists the clusters that the key has a grant for.',
    access: 'application',
    request: Empty,
    response: Type.Object({ virtual_clusters: list(VirtualCluster) }),
  }),
  describe_virtual_cluster: endpoint({
    summary: 'Describes a cluster.',
    access: 'cluster_read',
    request: ClusterRequest,
    response: Type.Object({ virtual_cluster: VirtualCluster }),
  }),
}
