import { type QueryKey, type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query'
import { call } from './client.ts'
import { clusterKeys, keys } from './queries.ts'
import type {
  AccessGrant,
  Acl,
  ApiName,
  ApiRequest,
  ApiResponse,
  PipelineState,
  VirtualClusterConfiguration,
} from './types.ts'

/** Changes something on the server, then reloads the data that became stale. */
function useChange<Name extends ApiName, Variables>(
  name: Name,
  toRequest: (variables: Variables) => ApiRequest<Name>,
  stale: readonly QueryKey[],
) {
  const client = useQueryClient()
  return useMutation<ApiResponse<Name>, Error, Variables>({
    mutationFn: variables => call(name, toRequest(variables)),
    onSuccess: () => Promise.all(stale.map(queryKey => client.invalidateQueries({ queryKey }))),
  })
}

/** A deletion that a dialog may start. */
export type Deletion = Pick<UseMutationResult<unknown, Error, void>, 'mutate' | 'isPending' | 'error'>

/** Deletes something. Reloads only its list: its own page is still open, and would find that it is gone. */
function useDelete<Name extends ApiName>(name: Name, request: ApiRequest<Name>, list: QueryKey): Deletion {
  const client = useQueryClient()
  return useMutation<ApiResponse<Name>, Error, void>({
    mutationFn: () => call(name, request),
    onSuccess: () => client.invalidateQueries({ queryKey: list, exact: true }),
  })
}

export function useCreateTopic(clusterId: string) {
  const own = clusterKeys(clusterId)
  return useChange(
    'create_topic',
    (topic: { topicName: string; partitionCount: number; configs: Record<string, string> }) => ({
      virtual_cluster_id: clusterId,
      topic_name: topic.topicName,
      partition_count: topic.partitionCount,
      configs: topic.configs,
    }),
    [own.topics, own.overview],
  )
}

export function useUpdateTopic(clusterId: string, topicName: string) {
  const own = clusterKeys(clusterId)
  return useChange(
    'update_topic',
    (change: { partitionCount?: number; configs?: Record<string, string | null> }) => ({
      virtual_cluster_id: clusterId,
      topic_name: topicName,
      ...(change.partitionCount === undefined ? {} : { partition_count: change.partitionCount }),
      ...(change.configs === undefined ? {} : { configs: change.configs }),
    }),
    [own.topics, own.messages, own.overview],
  )
}

export function useDeleteTopic(clusterId: string, topicName: string) {
  return useDelete(
    'delete_topic',
    { virtual_cluster_id: clusterId, topic_name: topicName },
    clusterKeys(clusterId).topics,
  )
}

export function useProduceMessage(clusterId: string, topicName: string) {
  const own = clusterKeys(clusterId)
  return useChange(
    'produce_topic_message',
    (message: Omit<ApiRequest<'produce_topic_message'>, 'virtual_cluster_id' | 'topic_name'>) => ({
      virtual_cluster_id: clusterId,
      topic_name: topicName,
      ...message,
    }),
    [own.topics, own.messages],
  )
}

export function useResetOffsets(clusterId: string, groupId: string) {
  const own = clusterKeys(clusterId)
  return useChange(
    'reset_consumer_group_offsets',
    (reset: Omit<ApiRequest<'reset_consumer_group_offsets'>, 'virtual_cluster_id' | 'consumer_group_id'>) => ({
      virtual_cluster_id: clusterId,
      consumer_group_id: groupId,
      ...reset,
    }),
    [own.groups],
  )
}

export function useDeleteGroup(clusterId: string, groupId: string) {
  const request = { virtual_cluster_id: clusterId, consumer_group_id: groupId }
  return useDelete('delete_consumer_group', request, clusterKeys(clusterId).groups)
}

export function useCreatePipeline(clusterId: string) {
  const own = clusterKeys(clusterId)
  return useChange(
    'create_pipeline',
    (name: string) => ({ virtual_cluster_id: clusterId, pipeline_name: name, pipeline_type: 'bento' }),
    [own.pipelines, own.overview],
  )
}

/** Creates a paused pipeline with a first version. */
export function useDuplicatePipeline(clusterId: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: async ({ name, yaml }: { name: string; yaml: string }) => {
      const cluster = { virtual_cluster_id: clusterId }
      const created = await call('create_pipeline', { ...cluster, pipeline_name: name, pipeline_type: 'bento' })
      const { pipeline_id } = created
      await call('create_pipeline_configuration', { ...cluster, pipeline_id, configuration_yaml: yaml })
      return created
    },
    // If only the second step failed, there is a new pipeline all the same.
    onSettled: () => client.invalidateQueries({ queryKey: clusterKeys(clusterId).pipelines, exact: true }),
  })
}

export function useRenamePipeline(clusterId: string, pipelineId: string) {
  const own = clusterKeys(clusterId)
  return useChange(
    'rename_pipeline',
    (name: string) => ({ virtual_cluster_id: clusterId, pipeline_id: pipelineId, pipeline_name: name }),
    [own.pipelines, own.overview],
  )
}

export function useSavePipeline(clusterId: string, pipelineId: string) {
  const own = clusterKeys(clusterId)
  return useChange(
    'create_pipeline_configuration',
    (text: string) => ({ virtual_cluster_id: clusterId, pipeline_id: pipelineId, configuration_yaml: text }),
    [own.pipelines, own.overview],
  )
}

export function useChangePipeline(clusterId: string, pipelineId: string) {
  const own = clusterKeys(clusterId)
  return useChange(
    'change_pipeline_state',
    (change: { state?: PipelineState; configurationId?: string }) => ({
      virtual_cluster_id: clusterId,
      pipeline_id: pipelineId,
      desired_state: change.state ?? null,
      deployed_configuration_id: change.configurationId ?? null,
    }),
    [own.pipelines, own.overview],
  )
}

export function useDeletePipeline(clusterId: string, pipelineId: string) {
  const request = { virtual_cluster_id: clusterId, pipeline_id: pipelineId }
  return useDelete('delete_pipeline', request, clusterKeys(clusterId).pipelines)
}

export function useCreateCluster() {
  return useChange('create_virtual_cluster', (name: string) => ({ virtual_cluster_name: name }), [
    keys.clusters,
    keys.apiKeys,
  ])
}

export function useRenameCluster(clusterId: string) {
  return useChange(
    'rename_virtual_cluster',
    (name: string) => ({ virtual_cluster_id: clusterId, new_virtual_cluster_name: name }),
    [keys.clusters, clusterKeys(clusterId).overview],
  )
}

/** Deletes a cluster. The page opened next reloads the list of clusters, because no page of this one can stay open. */
export function useDeleteCluster(clusterId: string, name: string): Deletion {
  return useMutation<unknown, Error, void>({
    mutationFn: () => call('delete_virtual_cluster', { virtual_cluster_id: clusterId, virtual_cluster_name: name }),
  })
}

type ClusterSettings = Pick<
  VirtualClusterConfiguration,
  'are_acls_enabled' | 'acl_shadowing_enabled' | 'enable_deletion_protection'
>

/**
 * Changes some settings of a cluster; `settings` are the current ones, because the server accepts only complete sets.
 */
export function useUpdateSettings(clusterId: string, settings: ClusterSettings) {
  return useChange(
    'update_virtual_cluster_configuration',
    (change: Partial<ClusterSettings> & { readonly broker_configs?: Record<string, string> }) => ({
      virtual_cluster_id: clusterId,
      virtual_cluster_configuration: {
        are_acls_enabled: settings.are_acls_enabled,
        acl_shadowing_enabled: settings.acl_shadowing_enabled,
        enable_deletion_protection: settings.enable_deletion_protection,
        ...change,
      },
    }),
    [clusterKeys(clusterId).settings],
  )
}

export function useUpdateTags(clusterId: string) {
  return useChange(
    'update_virtual_cluster_tags',
    (tags: Record<string, string>) => ({ virtual_cluster_id: clusterId, tags }),
    [clusterKeys(clusterId).tags],
  )
}

export function useCreateCredentials(clusterId: string) {
  return useChange(
    'create_virtual_cluster_credentials',
    (user: { name: string; isSuperuser: boolean; password: string }) => ({
      virtual_cluster_id: clusterId,
      credentials_name: user.name,
      is_cluster_superuser: user.isSuperuser,
      ...(user.password === '' ? {} : { imported_password: user.password }),
    }),
    [clusterKeys(clusterId).credentials],
  )
}

export function useDeleteCredentials(clusterId: string, id: string) {
  return useDelete(
    'delete_virtual_cluster_credentials',
    { virtual_cluster_id: clusterId, id },
    clusterKeys(clusterId).credentials,
  )
}

export function useCreateAcl(clusterId: string) {
  return useChange('virtual_clusters/acls/create', (acl: Acl) => ({ virtual_cluster_id: clusterId, acl }), [
    clusterKeys(clusterId).acls,
  ])
}

export function useDeleteAcl(clusterId: string, acl: Acl) {
  return useDelete(
    'virtual_clusters/acls/delete',
    { virtual_cluster_id: clusterId, acls: [acl] },
    clusterKeys(clusterId).acls,
  )
}

export function useCreateApiKey() {
  return useChange('create_api_key', (key: { name: string; access_grants: readonly AccessGrant[] }) => key, [
    keys.apiKeys,
    keys.clusters,
  ])
}

export function useDeleteApiKey(id: string) {
  return useDelete('delete_api_key', { api_key_id: id }, keys.apiKeys)
}

export function useSignIn() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (token: string) => call('create_session', { token }),
    onSuccess: session => client.setQueryData(keys.session, session),
  })
}

export function useSignOut() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => call('delete_session', {}),
    onSuccess: () => client.resetQueries(),
  })
}
