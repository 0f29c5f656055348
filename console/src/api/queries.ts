import { QueryCache, QueryClient, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { call, isSignedOut, RequestError } from './client.ts'
import { measureTopics, type TopicSample } from './topic-rates.ts'
import type { ApiName, ApiRequest, ApiResponse, LogLine, PipelineState, TopicRecord } from './types.ts'

/** Every place that caches what the server said is named here, so that a change knows what to read again. */
export const keys = {
  session: ['session'],
  overview: ['overview'],
  agents: ['agents'],
  topics: ['topics'],
  topic: (name: string) => ['topics', name],
  messages: ['messages'],
  groups: ['groups'],
  group: (id: string) => ['groups', id],
  pipelines: ['pipelines'],
  pipeline: (id: string) => ['pipelines', id],
  pipelineStatus: (id: string) => ['pipelines', id, 'status'],
  pipelineLogs: (id: string) => ['pipeline-logs', id],
  schema: ['schema'],
} as const

export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        // Any call may find the session gone; the session query then shows the sign-in page.
        if (isSignedOut(error) && query.queryKey[0] !== keys.session[0]) {
          void client.invalidateQueries({ queryKey: keys.session })
        }
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 1000,
        refetchOnWindowFocus: true,
        retry: (count, error) => count < 2 && (!(error instanceof RequestError) || error.status >= 500),
        retryDelay: attempt => Math.min(4000, 500 * 2 ** attempt),
      },
    },
  })
  return client
}

export const sessionQuery = queryOptions({
  queryKey: keys.session,
  queryFn: ({ signal }) => call('describe_session', {}, signal),
  staleTime: Infinity,
  retry: (count, error) => !isSignedOut(error) && count < 3,
})

/** The queries of one virtual cluster. Live events make them fresh; the intervals only cover a broken event stream. */
export function clusterQueries(clusterId: string) {
  const cluster = { virtual_cluster_id: clusterId }
  return {
    overview: queryOptions({
      queryKey: keys.overview,
      queryFn: ({ signal }) => call('describe_overview', cluster, signal),
      refetchInterval: 3000,
    }),
    agents: queryOptions({
      queryKey: keys.agents,
      queryFn: async ({ signal }) => (await call('list_agents', cluster, signal)).agents,
      refetchInterval: 4000,
    }),
    topics: queryOptions({
      queryKey: keys.topics,
      queryFn: async ({ client, signal }) => {
        const { topics } = await call('list_topics', cluster, signal)
        return measureTopics(client.getQueryData<TopicSample>(keys.topics), topics, Date.now())
      },
      select: sample => sample.topics,
      structuralSharing: false,
      refetchInterval: 3000,
    }),
    topic: (topicName: string) =>
      queryOptions({
        queryKey: keys.topic(topicName),
        queryFn: ({ signal }) => call('describe_topic', { ...cluster, topic_name: topicName }, signal),
        refetchInterval: 3000,
      }),
    groups: queryOptions({
      queryKey: keys.groups,
      queryFn: async ({ signal }) => (await call('list_consumer_groups', cluster, signal)).consumer_groups,
      refetchInterval: 4000,
    }),
    group: (groupId: string) =>
      queryOptions({
        queryKey: keys.group(groupId),
        queryFn: ({ signal }) => call('describe_consumer_group', { ...cluster, consumer_group_id: groupId }, signal),
        refetchInterval: 3000,
      }),
    pipelines: queryOptions({
      queryKey: keys.pipelines,
      queryFn: async ({ signal }) => (await call('list_pipeline_statuses', cluster, signal)).pipelines,
      refetchInterval: 4000,
    }),
    pipeline: (pipelineId: string) =>
      queryOptions({
        queryKey: keys.pipeline(pipelineId),
        queryFn: ({ signal }) => call('describe_pipeline', { ...cluster, pipeline_id: pipelineId }, signal),
      }),
    pipelineStatus: (pipelineId: string) =>
      queryOptions({
        queryKey: keys.pipelineStatus(pipelineId),
        queryFn: ({ signal }) => call('describe_pipeline_status', { ...cluster, pipeline_id: pipelineId }, signal),
        refetchInterval: 2000,
      }),
    schema: queryOptions({
      queryKey: keys.schema,
      queryFn: async ({ signal }) => (await call('get_pipeline_json_schema', {}, signal)).json_schema,
      staleTime: Infinity,
    }),
  }
}

/** Log lines kept on the page; older ones fall out. */
const maximumLogLines = 2000

interface LogTail {
  readonly lines: readonly LogLine[]
  readonly cursor: number | undefined
}

/** The tail of a pipeline's log. Each read waits on the server for a first new line and appends what came. */
export function pipelineLogsQuery(client: QueryClient, clusterId: string, pipelineId: string) {
  const queryKey = keys.pipelineLogs(pipelineId)
  return queryOptions({
    queryKey,
    queryFn: async ({ signal }): Promise<LogTail> => {
      const before = client.getQueryData<LogTail>(queryKey)
      const answer = await call(
        'read_pipeline_logs',
        {
          virtual_cluster_id: clusterId,
          pipeline_id: pipelineId,
          ...(before?.cursor === undefined
            ? { limit: 500 }
            : { after_cursor: before.cursor, limit: 500, wait_ms: 10_000 }),
        },
        signal,
      )
      const lines = [...(before?.lines ?? []), ...answer.lines].slice(-maximumLogLines)
      return { lines, cursor: answer.next_cursor }
    },
    refetchInterval: 300,
    staleTime: 0,
    gcTime: 0,
    structuralSharing: false,
  })
}

export interface MessageQuestion {
  readonly topicName: string
  /** All partitions when undefined. */
  readonly partition: number | undefined
  /** The newest records when undefined, else those from these offsets on. */
  readonly positions: readonly { readonly partition: number; readonly offset: number }[] | undefined
  readonly limit: number
  readonly follow: boolean
}

interface MessageTail {
  readonly records: readonly TopicRecord[]
  readonly positions: readonly { readonly partition: number; readonly offset: number }[] | undefined
}

/** Records kept while following a topic. */
const maximumFollowedRecords = 500

/** A page of a topic's records; while `follow` is on, each read goes on where the one before it ended. */
export function messagesQuery(client: QueryClient, clusterId: string, question: MessageQuestion) {
  const queryKey = [...keys.messages, question]
  return queryOptions({
    queryKey,
    queryFn: async ({ signal }): Promise<MessageTail> => {
      const before = question.follow ? client.getQueryData<MessageTail>(queryKey) : undefined
      const positions = before?.positions ?? question.positions
      const answer = await call(
        'read_topic_messages',
        {
          virtual_cluster_id: clusterId,
          topic_name: question.topicName,
          limit: question.limit,
          ...(question.partition === undefined ? {} : { partition: question.partition }),
          ...(positions === undefined ? {} : { positions }),
          ...(before === undefined ? {} : { wait_ms: 5000 }),
        },
        signal,
      )
      const records = [...(before?.records ?? []), ...answer.records].slice(-maximumFollowedRecords)
      return { records, positions: answer.next_positions }
    },
    refetchInterval: question.follow ? 400 : false,
    staleTime: question.follow ? 0 : 5000,
    gcTime: 0,
    refetchOnWindowFocus: false,
    structuralSharing: false,
  })
}

/** A change on the server: what it answers, and the parts of the cache that it makes stale. */
function useChange<Name extends ApiName, Variables>(
  name: Name,
  toRequest: (variables: Variables) => ApiRequest<Name>,
  stale: readonly (readonly unknown[])[],
) {
  const client = useQueryClient()
  return useMutation<ApiResponse<Name>, Error, Variables>({
    mutationFn: variables => call(name, toRequest(variables)),
    onSuccess: () => Promise.all(stale.map(queryKey => client.invalidateQueries({ queryKey }))),
  })
}

export function useCreateTopic(clusterId: string) {
  return useChange(
    'create_topic',
    (topic: { topicName: string; partitionCount: number; configs: Record<string, string> }) => ({
      virtual_cluster_id: clusterId,
      topic_name: topic.topicName,
      partition_count: topic.partitionCount,
      configs: topic.configs,
    }),
    [keys.topics, keys.overview],
  )
}

export function useDeleteTopic(clusterId: string, topicName: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => call('delete_topic', { virtual_cluster_id: clusterId, topic_name: topicName }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.topics, exact: true }),
  })
}

export function useCreatePipeline(clusterId: string) {
  return useChange(
    'create_pipeline',
    (name: string) => ({ virtual_cluster_id: clusterId, pipeline_name: name, pipeline_type: 'bento' }),
    [keys.pipelines, keys.overview],
  )
}

export function useSavePipeline(clusterId: string, pipelineId: string) {
  return useChange(
    'create_pipeline_configuration',
    (text: string) => ({ virtual_cluster_id: clusterId, pipeline_id: pipelineId, configuration_yaml: text }),
    [keys.pipelines, keys.overview],
  )
}

export function useChangePipeline(clusterId: string, pipelineId: string) {
  return useChange(
    'change_pipeline_state',
    (change: { state?: PipelineState; configurationId?: string }) => ({
      virtual_cluster_id: clusterId,
      pipeline_id: pipelineId,
      desired_state: change.state ?? null,
      deployed_configuration_id: change.configurationId ?? null,
    }),
    [keys.pipelines, keys.overview],
  )
}

export function useDeletePipeline(clusterId: string, pipelineId: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => call('delete_pipeline', { virtual_cluster_id: clusterId, pipeline_id: pipelineId }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.pipelines, exact: true }),
  })
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
