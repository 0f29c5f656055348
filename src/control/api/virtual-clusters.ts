import type { VirtualClusterConfiguration } from '../api-types.ts'
import { accessGrantOfAgents, workspaceId } from '../clusters.ts'
import { canonicalSettings } from '../configuration/cluster-settings.ts'
import { ControlError } from '../errors.ts'
import { newId } from '../ids.ts'
import * as store from '../store/store.ts'
import { virtualCluster } from './clusters.ts'
import type { ClusterCall, Handlers } from './endpoint.ts'
import { apiKey } from './keys.ts'
import { metadataOf } from './security.ts'

/** The id under which settings of all brokers are stored; those of one broker have its id. */
const allBrokers = ''
const dayMs = 24 * 60 * 60 * 1000

export const virtualClusterHandlers: Handlers<
  | 'create_virtual_cluster'
  | 'rename_virtual_cluster'
  | 'delete_virtual_cluster'
  | 'update_virtual_cluster_tier'
  | 'describe_virtual_cluster_configuration'
  | 'update_virtual_cluster_configuration'
  | 'describe_virtual_cluster_tags'
  | 'update_virtual_cluster_tags'
  | 'list_workspaces'
> = {
  async create_virtual_cluster(call, request) {
    const { plane } = call
    const { database, random, clock, hasManyClusters } = plane.options
    if (hasManyClusters !== true)
      throw new ControlError(
        'single_cluster',
        'this program runs one virtual cluster: penstock control-plane and penstock agent run as many as wanted',
      )
    const type = request.virtual_cluster_type ?? 'byoc'
    if (type !== 'byoc')
      throw new ControlError('invalid_request', `virtual clusters of the type ${type} are not supported`)
    const cluster = {
      id: newId('vci', random),
      name: clusterName(request.virtual_cluster_name),
      createdAt: clock.now(),
    }
    await database.transaction({ kind: 'write' }, async sql => {
      if ((await store.listClusters(sql)).some(({ name }) => name === cluster.name))
        throw new ControlError('duplicate_virtual_cluster_name', `there is a virtual cluster ${cluster.name} already`)
      await store.insertCluster(sql, cluster)
      await store.setClusterFact(sql, cluster.id, 'tier', request.virtual_cluster_tier ?? 'fundamentals')
      await store.setClusterFact(sql, cluster.id, 'tags', JSON.stringify(request.virtual_cluster_tags ?? {}))
    })
    const agentKey =
      request.skip_agent_key_creation === true
        ? null
        : await plane.keys.create(`${cluster.name.replace(/^vcn_/, '')}_agent`, [accessGrantOfAgents(cluster.id)])
    const described = await virtualCluster(call, cluster)
    return {
      virtual_cluster_id: cluster.id,
      virtual_cluster_name: cluster.name,
      agent_pool_id: described.agent_pool_id,
      agent_pool_name: described.agent_pool_name,
      bootstrap_url: described.bootstrap_url,
      agent_key: agentKey === null ? null : apiKey(agentKey),
      workspace_id: workspaceId,
    }
  },

  async rename_virtual_cluster({ plane, cluster }, request) {
    const name = clusterName(request.new_virtual_cluster_name)
    await plane.options.database.transaction({ kind: 'write' }, async sql => {
      if ((await store.listClusters(sql)).some(known => known.name === name && known.id !== cluster.id))
        throw new ControlError('duplicate_virtual_cluster_name', `there is a virtual cluster ${name} already`)
      await store.renameCluster(sql, cluster.id, name)
    })
    return {}
  },

  async delete_virtual_cluster({ plane, cluster, fleet }, request) {
    if (request.virtual_cluster_name !== cluster.name)
      throw new ControlError(
        'invalid_request',
        `virtual_cluster_name has to be ${cluster.name}, which confirms what is deleted`,
      )
    await plane.options.database.transaction({ kind: 'write' }, async sql => {
      if ((await store.clusterFacts(sql, cluster.id)).get('deletion_protection') === 'true')
        throw new ControlError('cluster_protected', `${cluster.name} has deletion protection enabled`)
      if ((await store.listClusters(sql)).length === 1)
        throw new ControlError('cluster_protected', `${cluster.name} is the only virtual cluster and cannot be deleted`)
      await store.deleteCluster(sql, cluster.id)
    })
    await plane.forgetCluster(cluster.id, fleet)
    return {}
  },

  async update_virtual_cluster_tier({ plane, cluster }, { tier }) {
    await plane.options.database.transaction({ kind: 'write' }, sql =>
      store.setClusterFact(sql, cluster.id, 'tier', tier),
    )
    return {}
  },

  async describe_virtual_cluster_configuration(call) {
    return { virtual_cluster_configuration: await describeConfiguration(call) }
  },

  async update_virtual_cluster_configuration(call, { virtual_cluster_configuration: wanted }) {
    if (wanted.are_acls_enabled && wanted.acl_shadowing_enabled)
      throw new ControlError('invalid_request', 'ACLs cannot be both enabled and shadowed: choose one')
    const settings = canonicalSettings(wanted.broker_configs ?? {})
    const metadata = await metadataOf(call)
    await call.plane.options.database.transaction({ kind: 'write' }, async sql => {
      const { id } = call.cluster
      await store.setClusterFact(sql, id, 'deletion_protection', String(wanted.enable_deletion_protection))
      if (wanted.tier) await store.setClusterFact(sql, id, 'tier', wanted.tier)
    })
    await metadata.setAclMode(wanted.are_acls_enabled ? 'on' : wanted.acl_shadowing_enabled ? 'shadow' : 'off')
    if (settings.size > 0) {
      await metadata.changeSettings(
        Array.from(settings, ([name, value]) => ({ kind: 'broker', entity: allBrokers, name, value })),
      )
    }
    return {}
  },

  async describe_virtual_cluster_tags({ plane, cluster }) {
    const facts = await plane.options.database.transaction({ kind: 'read' }, sql => store.clusterFacts(sql, cluster.id))
    // Written only by these handlers.
    const tags = JSON.parse(facts.get('tags') ?? '{}') as Record<string, string>
    return { tags: Object.keys(tags).length === 0 ? null : tags }
  },

  async update_virtual_cluster_tags({ plane, cluster }, { tags }) {
    await plane.options.database.transaction({ kind: 'write' }, sql =>
      store.setClusterFact(sql, cluster.id, 'tags', JSON.stringify(tags ?? {})),
    )
    return {}
  },

  async list_workspaces() {
    return { workspaces: [{ id: workspaceId, name: 'default', created_at: new Date(0).toISOString() }] }
  },
}

async function describeConfiguration(call: ClusterCall): Promise<VirtualClusterConfiguration> {
  const metadata = await metadataOf(call)
  const [{ mode }, { settings }, facts] = await Promise.all([
    metadata.aclRules(),
    metadata.settings(),
    call.plane.options.database.transaction({ kind: 'read' }, sql => store.clusterFacts(sql, call.cluster.id)),
  ])
  const own = settings.filter(({ kind, entity }) => kind === 'broker' && entity === allBrokers)
  const configs = Object.fromEntries(own.map(({ name, value }) => [name, value]))
  return {
    are_acls_enabled: mode === 'on',
    acl_shadowing_enabled: mode === 'shadow',
    is_auto_create_topic_enabled: configs['auto.create.topics.enable'] !== 'false',
    default_num_partitions: Number(configs['num.partitions'] ?? 1),
    default_retention_millis: Number(configs['log.retention.ms'] ?? 7 * dayMs),
    default_topic_type: configs['warpstream.default.topic.type'] ?? 'classic',
    enable_deletion_protection: facts.get('deletion_protection') === 'true',
    soft_delete_topics_enabled: configs['warpstream.soft.delete.topic.enable'] !== 'false',
    tier: facts.get('tier') ?? 'fundamentals',
    broker_configs: own.length === 0 ? null : configs,
  }
}

function clusterName(text: string): string {
  const body = text.replace(/^vcn_/, '')
  if (!/^\w{3,128}$/.test(body))
    throw new ControlError('invalid_request', 'a virtual cluster is named by 3 to 128 letters, digits and underscores')
  return `vcn_${body}`
}
