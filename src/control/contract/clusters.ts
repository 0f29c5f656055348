import Type from 'typebox'
import {
  endpoint,
  flag,
  integer,
  list,
  named,
  nullable,
  object,
  optional,
  type Shape,
  text,
  texts,
  timestamp,
} from './endpoint.ts'
import { ApiKey } from './keys.ts'
import { ClusterRequest, Empty } from './shared.ts'

export const VirtualCluster = named('VirtualCluster', {
  id: text('`vci_…`'),
  name: text('`vcn_…`'),
  type: Type.Literal('byoc'),
  agent_keys: nullable(list(ApiKey), 'Null for a read-only key, which cannot read secrets.'),
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
    'The bootstrap address for Kafka clients, `host:port`; null while no agent with the proxy role is alive.',
  ),
  workspace_id: text(),
  tier: text(),
})
export type VirtualCluster = Shape<typeof VirtualCluster>

export const VirtualClusterConfiguration = named('VirtualClusterConfiguration', {
  are_acls_enabled: flag(),
  acl_shadowing_enabled: flag('ACLs are not enforced; requests that they would deny are logged.'),
  is_auto_create_topic_enabled: flag(),
  default_num_partitions: integer(),
  default_retention_millis: integer(),
  default_topic_type: text(),
  enable_deletion_protection: flag(),
  soft_delete_topics_enabled: flag(),
  tier: text(),
  broker_configs: nullable(texts(), 'The settings that were made, by their Kafka names; null before the first change.'),
})
export type VirtualClusterConfiguration = Shape<typeof VirtualClusterConfiguration>

export const clusterEndpoints = {
  create_virtual_cluster: endpoint({
    summary: 'Creates a cluster, with a key for its agents unless disabled.',
    access: 'workspace_write',
    request: object({
      virtual_cluster_name: text('Without `vcn_`: 3 to 128 letters, digits and underscores.'),
      virtual_cluster_type: optional(text('`byoc`.')),
      virtual_cluster_tier: optional(text()),
      virtual_cluster_region: optional(text('Accepted; a cluster runs where its agents run.')),
      virtual_cluster_region_group: optional(text('Accepted; a cluster runs where its agents run.')),
      virtual_cluster_cloud_provider: optional(text('Accepted; a cluster runs where its agents run.')),
      virtual_cluster_tags: optional(texts()),
      skip_agent_key_creation: optional(flag()),
    }),
    response: object({
      virtual_cluster_id: text(),
      virtual_cluster_name: text(),
      agent_pool_id: text(),
      agent_pool_name: text(),
      bootstrap_url: nullable(text()),
      agent_key: nullable(ApiKey),
      workspace_id: text(),
    }),
  }),
  rename_virtual_cluster: endpoint({
    summary: 'Renames a cluster; its id does not change.',
    access: 'cluster_write',
    request: object({ ...ClusterRequest.properties, new_virtual_cluster_name: text('Without `vcn_`.') }),
    response: Empty,
  }),
  delete_virtual_cluster: endpoint({
    summary: 'Deletes a cluster with its pipelines; objects in its bucket stay.',
    access: 'cluster_write',
    request: object({ ...ClusterRequest.properties, virtual_cluster_name: text('With `vcn_`, as a confirmation.') }),
    response: Empty,
  }),
  update_virtual_cluster_tier: endpoint({
    summary: 'Records the tier of a cluster; all tiers have the same features.',
    access: 'cluster_write',
    request: object({ ...ClusterRequest.properties, tier: text() }),
    response: Empty,
  }),
  describe_virtual_cluster_configuration: endpoint({
    summary: 'Describes the settings of a cluster.',
    access: 'cluster_read',
    request: ClusterRequest,
    response: Type.Object({ virtual_cluster_configuration: VirtualClusterConfiguration }),
  }),
  update_virtual_cluster_configuration: endpoint({
    summary: 'Changes the settings of a cluster, all or none.',
    access: 'cluster_write',
    request: object({
      ...ClusterRequest.properties,
      virtual_cluster_configuration: object({
        are_acls_enabled: flag(),
        acl_shadowing_enabled: flag(),
        enable_deletion_protection: flag(),
        tier: optional(text()),
        broker_configs: optional(texts('Settings by their Kafka names; others do not change.')),
      }),
    }),
    response: Empty,
  }),
  describe_virtual_cluster_tags: endpoint({
    summary: 'Lists the tags of a cluster.',
    access: 'cluster_read',
    request: ClusterRequest,
    response: Type.Object({ tags: nullable(texts()) }),
  }),
  update_virtual_cluster_tags: endpoint({
    summary: 'Replaces the tags of a cluster.',
    access: 'cluster_write',
    request: object({ ...ClusterRequest.properties, tags: optional(texts()) }),
    response: Empty,
  }),
  list_workspaces: endpoint({
    summary: 'Lists the workspaces; there is one.',
    access: 'application',
    request: Empty,
    response: Type.Object({ workspaces: list(object({ id: text(), name: text(), created_at: timestamp() })) }),
  }),
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
