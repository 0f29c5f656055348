import type { RelayedName } from '../agent-link.ts'
import { type Body, type EndpointHandler, type Endpoints, readCluster } from './endpoint.ts'

/** What is asked of the cluster's data: an agent answers, the control plane only passes it on. */
export const relayedEndpoints: Endpoints<RelayedName> = {
  list_topics: relayed('list_topics', readCluster),
  describe_topic: relayed('describe_topic', readTopic),
  create_topic: relayed('create_topic', body => ({
    ...readTopic(body),
    partition_count: body.optionalInteger('partition_count', 1, 100_000) ?? 1,
    configs: body.optionalTexts('configs') ?? null,
  })),
  delete_topic: relayed('delete_topic', readTopic),
  read_topic_messages: relayed('read_topic_messages', body => ({
    ...readTopic(body),
    partition: body.optionalInteger('partition', 0, 2 ** 31 - 1),
    positions: body.optionalList('positions')?.map(position => ({
      partition: position.integer('partition', 0, 2 ** 31 - 1),
      offset: position.integer('offset', 0, Number.MAX_SAFE_INTEGER),
    })),
    limit: body.optionalInteger('limit', 1, 500),
    wait_ms: body.optionalInteger('wait_ms', 0, 10_000),
  })),
  list_consumer_groups: relayed('list_consumer_groups', readCluster),
  describe_consumer_group: relayed('describe_consumer_group', body => ({
    ...readCluster(body),
    consumer_group_id: body.text('consumer_group_id'),
  })),
}

function relayed<Name extends RelayedName>(name: Name, read: EndpointHandler<Name>['read']): EndpointHandler<Name> {
  return {
    read,
    async answer(plane, request) {
      plane.cluster(request.virtual_cluster_id)
      const response = await plane.ask(name, request)
      if (name === 'create_topic' || name === 'delete_topic') plane.changes.announce('topics')
      return response
    },
  }
}

function readTopic(body: Body) {
  return { ...readCluster(body), topic_name: body.text('topic_name') }
}
