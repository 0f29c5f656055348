import type { RelayedName } from '../agent-link.ts'
import type { ChangedSubject, MessageBytes } from '../api-types.ts'
import { ControlError } from '../errors.ts'
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
  update_topic: relayed('update_topic', body => {
    const partition_count = body.optionalInteger('partition_count', 1, 100_000)
    return {
      ...readTopic(body),
      ...(partition_count !== undefined && { partition_count }),
      configs: body.optionalTextsOrNulls('configs') ?? null,
    }
  }),
  delete_topic: relayed('delete_topic', readTopic),
  describe_topic_configs: relayed('describe_topic_configs', readTopic),
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
  read_topic_message: relayed('read_topic_message', body => ({
    ...readTopic(body),
    partition: body.integer('partition', 0, 2 ** 31 - 1),
    offset: body.integer('offset', 0, Number.MAX_SAFE_INTEGER),
  })),
  produce_topic_message: relayed('produce_topic_message', body => ({
    ...readTopic(body),
    partition: body.optionalInteger('partition', 0, 2 ** 31 - 1),
    key: readBytes(body, 'key'),
    value: readBytes(body, 'value'),
    headers: body
      .optionalList('headers')
      ?.map(header => ({ key: header.text('key'), value: readBytes(header, 'value') })),
  })),
  list_consumer_groups: relayed('list_consumer_groups', readCluster),
  describe_consumer_group: relayed('describe_consumer_group', readGroup),
  reset_consumer_group_offsets: relayed('reset_consumer_group_offsets', body => {
    const to = body.optionalOneOf('to', ['earliest', 'latest', 'timestamp', 'offset'])
    if (to === undefined) throw new ControlError('invalid_request', 'to is missing')
    return {
      ...readGroup(body),
      topic_name: body.optionalText('topic_name'),
      partition: body.optionalInteger('partition', 0, 2 ** 31 - 1),
      to,
      timestamp: to === 'timestamp' ? readTimestamp(body) : undefined,
      offset: to === 'offset' ? body.integer('offset', 0, Number.MAX_SAFE_INTEGER) : undefined,
    }
  }),
  delete_consumer_group: relayed('delete_consumer_group', readGroup),
}

/** What an endpoint changes, so that open pages read it again. */
const changedSubjects: Partial<Record<RelayedName, ChangedSubject>> = {
  create_topic: 'topics',
  update_topic: 'topics',
  delete_topic: 'topics',
  produce_topic_message: 'topics',
  reset_consumer_group_offsets: 'consumer_groups',
  delete_consumer_group: 'consumer_groups',
}

function relayed<Name extends RelayedName>(name: Name, read: EndpointHandler<Name>['read']): EndpointHandler<Name> {
  return {
    read,
    async answer(plane, request) {
      plane.cluster(request.virtual_cluster_id)
      const response = await plane.ask(name, request)
      const subject = changedSubjects[name]
      if (subject !== undefined) plane.changes.announce(subject)
      return response
    },
  }
}

function readTopic(body: Body) {
  return { ...readCluster(body), topic_name: body.text('topic_name') }
}

function readGroup(body: Body) {
  return { ...readCluster(body), consumer_group_id: body.text('consumer_group_id') }
}

/** Text or base64, or null. */
function readBytes(body: Body, name: string): MessageBytes | null {
  const bytes = body.optionalObject(name)
  if (bytes === undefined) return null
  const encoding = bytes.optionalOneOf('encoding', ['utf8', 'base64']) ?? 'utf8'
  const data = bytes.text('data')
  // Node reads what it can of broken base64, so only bytes that give the same text back were base64.
  const isWhole = encoding === 'utf8' || Buffer.from(data, 'base64').toString('base64') === data
  if (!isWhole) throw new ControlError('invalid_request', `${name}.data is not base64`)
  return { encoding, data }
}

function readTimestamp(body: Body): string {
  const text = body.text('timestamp')
  if (!Number.isNaN(Date.parse(text))) return text
  throw new ControlError('invalid_request', `timestamp is not a time: ${JSON.stringify(text)}`)
}
