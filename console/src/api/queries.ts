import { QueryCache, QueryClient, queryOptions } from '@tanstack/react-query'
import { call, isSignedOut, RequestError } from './client.ts'
import { measureTopics, type TopicSample } from './topic-rates.ts'
import type { LogLine, TopicRecord } from './types.ts'

/** Cache keys of the whole console. */
export const keys = {
  session: ['session'],
  schema: ['schema'],
  clusters: ['clusters'],
  apiKeys: ['api-keys'],
} as const

/** Cache keys of one cluster: every key starts with the cluster's id, so two clusters never share a response. */
export function clusterKeys(clusterId: string) {
  const keyed = <Rest extends readonly unknown[]>(...rest: Rest) => ['cluster', clusterId, ...rest] as const
  return {
    overview: keyed('overview'),
    agents: keyed('agents'),
    topics: keyed('topics'),
    topic: (name: string) => keyed('topics', name),
    topicConfigs: (name: string) => keyed('topics', name, 'configs'),
    messages: keyed('messages'),
    message: (topicName: string, partition: number, offset: number) => keyed('message', topicName, partition, offset),
    groups: keyed('groups'),
    group: (id: string) => keyed('groups', id),
    pipelines: keyed('pipelines'),
    pipeline: (id: string) => keyed('pipelines', id),
    pipelineStatus: (id: string) => keyed('pipelines', id, 'status'),
    lint: keyed('lint'),
    pipelineLogs: (id: string) => keyed('pipeline-logs', id),
    settings: keyed('settings'),
    tags: keyed('tags'),
    credentials: keyed('credentials'),
    acls: keyed('acls'),
  }
}

export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        // Any call may find that the session has ended; the session query then shows the sign-in page.
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

/** The virtual clusters for which the signed-in user has a grant, oldest first. */
export const clustersQuery = queryOptions({
  queryKey: keys.clusters,
  queryFn: async ({ signal }) => (await call('list_virtual_clusters', {}, signal)).virtual_clusters,
  refetchInterval: 10_000,
})

export const apiKeysQuery = queryOptions({
  queryKey: keys.apiKeys,
  queryFn: async ({ signal }) => (await call('list_api_keys', {}, signal)).api_keys,
})

/** The queries of one virtual cluster. Live events refresh them; the intervals only cover a broken event stream. */
export function clusterQueries(clusterId: string) {
  const cluster = { virtual_cluster_id: clusterId }
  const own = clusterKeys(clusterId)
  return {
    overview: queryOptions({
      queryKey: own.overview,
      queryFn: ({ signal }) => call('describe_overview', cluster, signal),
      refetchInterval: 3000,
    }),
    agents: queryOptions({
      queryKey: own.agents,
      queryFn: async ({ signal }) => (await call('list_agents', cluster, signal)).agents,
      refetchInterval: 4000,
    }),
    topics: queryOptions({
      queryKey: own.topics,
      queryFn: async ({ client, signal }) => {
        const { topics } = await call('list_topics', cluster, signal)
        return measureTopics(client.getQueryData<TopicSample>(own.topics), topics, Date.now())
      },
      select: sample => sample.topics,
      structuralSharing: false,
      refetchInterval: 3000,
    }),
    topic: (topicName: string) =>
      queryOptions({
        queryKey: own.topic(topicName),
        queryFn: ({ signal }) => call('describe_topic', { ...cluster, topic_name: topicName }, signal),
        refetchInterval: 3000,
      }),
    topicConfigs: (topicName: string) =>
      queryOptions({
        queryKey: own.topicConfigs(topicName),
        queryFn: async ({ signal }) =>
          (await call('describe_topic_configs', { ...cluster, topic_name: topicName }, signal)).configs,
      }),
    /** One complete record of any length; it never changes. */
    message: (topicName: string, partition: number, offset: number) =>
      queryOptions({
        queryKey: own.message(topicName, partition, offset),
        queryFn: async ({ signal }) =>
          (await call('read_topic_message', { ...cluster, topic_name: topicName, partition, offset }, signal)).record,
        staleTime: Infinity,
        gcTime: 0,
        structuralSharing: false,
      }),
    groups: queryOptions({
      queryKey: own.groups,
      queryFn: async ({ signal }) => (await call('list_consumer_groups', cluster, signal)).consumer_groups,
      refetchInterval: 4000,
    }),
    group: (groupId: string) =>
      queryOptions({
        queryKey: own.group(groupId),
        queryFn: ({ signal }) => call('describe_consumer_group', { ...cluster, consumer_group_id: groupId }, signal),
        refetchInterval: 3000,
      }),
    pipelines: queryOptions({
      queryKey: own.pipelines,
      queryFn: async ({ signal }) => (await call('list_pipeline_statuses', cluster, signal)).pipelines,
      refetchInterval: 4000,
    }),
    pipeline: (pipelineId: string) =>
      queryOptions({
        queryKey: own.pipeline(pipelineId),
        queryFn: ({ signal }) => call('describe_pipeline', { ...cluster, pipeline_id: pipelineId }, signal),
      }),
    pipelineStatus: (pipelineId: string) =>
      queryOptions({
        queryKey: own.pipelineStatus(pipelineId),
        queryFn: ({ signal }) => call('describe_pipeline_status', { ...cluster, pipeline_id: pipelineId }, signal),
        refetchInterval: 2000,
      }),
    settings: queryOptions({
      queryKey: own.settings,
      queryFn: async ({ signal }) =>
        (await call('describe_virtual_cluster_configuration', cluster, signal)).virtual_cluster_configuration,
    }),
    tags: queryOptions({
      queryKey: own.tags,
      queryFn: async ({ signal }) => (await call('describe_virtual_cluster_tags', cluster, signal)).tags ?? {},
    }),
    credentials: queryOptions({
      queryKey: own.credentials,
      queryFn: async ({ signal }) => (await call('list_virtual_cluster_credentials', cluster, signal)).credentials,
    }),
    acls: queryOptions({
      queryKey: own.acls,
      queryFn: async ({ signal }) => (await call('virtual_clusters/acls/list', cluster, signal)).acls,
    }),
    schema: queryOptions({
      queryKey: keys.schema,
      queryFn: async ({ signal }) => (await call('get_pipeline_json_schema', {}, signal)).json_schema,
      staleTime: Infinity,
    }),
  }
}

/** The number of log lines kept on the page; older ones are dropped. */
const maximumLogLines = 2000

interface LogTail {
  readonly lines: readonly LogLine[]
  readonly cursor: number | undefined
}

/** The tail of a pipeline's log. Each read waits on the server for a first new line and appends what it returns. */
export function pipelineLogsQuery(client: QueryClient, clusterId: string, pipelineId: string) {
  const queryKey = clusterKeys(clusterId).pipelineLogs(pipelineId)
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
  /** All partitions if undefined. */
  readonly partition: number | undefined
  /** The newest records if undefined, else those from these offsets on. */
  readonly positions: readonly { readonly partition: number; readonly offset: number }[] | undefined
  readonly limit: number
  readonly follow: boolean
}

interface MessageTail {
  readonly records: readonly TopicRecord[]
  readonly positions: readonly { readonly partition: number; readonly offset: number }[] | undefined
}

/** The number of records kept while following a topic. */
const maximumFollowedRecords = 500

/** A page of a topic's records; while `follow` is on, each read continues where the previous one ended. */
export function messagesQuery(client: QueryClient, clusterId: string, question: MessageQuestion) {
  const queryKey = [...clusterKeys(clusterId).messages, question]
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
