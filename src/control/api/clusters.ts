import { newId, newSecret } from '../ids.ts'
import type { AccessGrant, ApiKey, VirtualCluster } from '../api-types.ts'
import { workspaceId } from '../clusters.ts'
import type { ControlPlane } from '../control-plane.ts'
import { ControlError } from '../errors.ts'
import type { Cluster, Key } from '../model.ts'
import * as store from '../store/store.ts'
import { type Endpoints, readCluster, readNothing } from './endpoint.ts'

export const clusterEndpoints: Endpoints<
  'list_virtual_clusters' | 'describe_virtual_cluster' | 'create_api_key' | 'list_api_keys' | 'delete_api_key'
> = {
  list_virtual_clusters: {
    read: readNothing,
    answer: async plane => ({ virtual_clusters: [await virtualCluster(plane, plane.first.cluster)] }),
  },

  describe_virtual_cluster: {
    read: readCluster,
    answer: async (plane, { virtual_cluster_id }) => ({
      virtual_cluster: await virtualCluster(plane, plane.cluster(virtual_cluster_id)),
    }),
  },

  create_api_key: {
    read: body => ({
      name: body.text('name'),
      access_grants: (body.optionalList('access_grants') ?? []).map(grant => ({
        principal_kind: grant.text('principal_kind'),
        resource_kind: grant.text('resource_kind'),
        resource_id: grant.text('resource_id'),
        workspace_id: grant.optionalText('workspace_id'),
      })),
    }),
    async answer(plane, { name, access_grants }) {
      if (!/^[A-Za-z0-9_]{1,128}$/.test(name))
        throw new ControlError('invalid_request', 'name has to have 1 to 128 letters, digits and underscores')
      if (access_grants.length === 0) throw new ControlError('invalid_request', 'access_grants is missing')
      const { database, random, clock } = plane.options
      const grants = access_grants.map(completeGrant)
      for (const { principal_kind, resource_id } of grants) if (principal_kind === 'agent') plane.cluster(resource_id)
      const key: Key = {
        id: newId('aki', random),
        name: `akn_${name.replace(/^akn_/, '')}`,
        secret: newSecret('aks', random),
        grants,
        createdAt: clock.now(),
      }
      await database.transaction('durable', async sql => {
        if ((await store.listKeys(sql)).some(other => other.name === key.name))
          throw new ControlError('duplicate_api_key_name', `duplicate_api_key_name: there is a key ${key.name} already`)
        await store.insertKey(sql, key)
      })
      return apiKey(key)
    },
  },

  list_api_keys: {
    read: readNothing,
    async answer(plane) {
      const keys = await plane.options.database.transaction('relaxed', sql => store.listKeys(sql))
      return { api_keys: keys.map(apiKey) }
    },
  },

  delete_api_key: {
    read: body => ({ api_key_id: body.text('api_key_id') }),
    async answer(plane, { api_key_id }) {
      const existed = await plane.options.database.transaction('durable', sql => store.deleteKey(sql, api_key_id))
      if (!existed) throw new ControlError('api_key_not_found', `there is no API key ${JSON.stringify(api_key_id)}`)
      return {}
    },
  },
}

/** A cluster in the original's words. What has no meaning here has a value that its clients accept. */
export async function virtualCluster(plane: ControlPlane, cluster: Cluster): Promise<VirtualCluster> {
  const keys = await plane.options.database.transaction('relaxed', sql => store.listKeys(sql))
  const ofCluster = keys.filter(({ grants }) => grants.some(({ resource_id }) => resource_id === cluster.id))
  return {
    id: cluster.id,
    name: cluster.name,
    type: 'byoc',
    agent_keys: ofCluster.map(apiKey),
    agent_pool_id: cluster.id.replace(/^vci_/, 'api_'),
    agent_pool_name: cluster.name.replace(/^vcn_/, 'apn_'),
    created_at: new Date(cluster.createdAt).toISOString(),
    cloud_provider: 'aws',
    cluster_region: {
      is_multi_region: false,
      region_group: null,
      region: { name: 'us-east-1', cloud_provider: 'aws' },
    },
    bootstrap_url: await kafkaAddress(plane),
    workspace_id: workspaceId,
    tier: 'fundamentals',
  }
}

/** Where Kafka clients connect first; null while no agent serves them. */
export async function kafkaAddress(plane: ControlPlane): Promise<string | null> {
  const agents = await plane.fleet.agents()
  return (
    agents.find(({ agent, isAlive }) => isAlive && agent.hello.kafkaAddress !== null)?.agent.hello.kafkaAddress ?? null
  )
}

function apiKey({ id, name, secret, grants, createdAt }: Key): ApiKey {
  return { id, name, key: secret, access_grants: grants, created_at: new Date(createdAt).toISOString() }
}

function completeGrant(grant: AccessGrant): AccessGrant {
  if (grant.principal_kind === 'agent') {
    if (grant.resource_kind === 'virtual_cluster') return grant
    throw new ControlError('invalid_request', 'an agent grant has the resource_kind "virtual_cluster"')
  }
  if (grant.principal_kind !== 'app')
    throw new ControlError(
      'invalid_request',
      `principal_kind has to be "app" or "agent", not ${JSON.stringify(grant.principal_kind)}`,
    )
  return { ...grant, workspace_id: grant.workspace_id || workspaceId }
}
