// The console's questions about a cluster's data, answered over a real broker.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { Broker, localLogConfig } from '../../broker/index.ts'
import type { ApiRequest, ApiResponse, RelayedName, RelayQuestion } from '../../control/index.ts'
import { type Metadata, openSqliteMetadata } from '../../metadata/index.ts'
import { openStore } from '../../storage/index.ts'
import { answerQuestion, type ClusterView } from './answers.ts'
import { KafkaClient } from './kafka-client.ts'

const virtual_cluster_id = 'vci_test'
let metadata: Metadata
let broker: Broker
let view: ClusterView

before(async () => {
  metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
  broker = await Broker.open({
    port: 0,
    metadata,
    store: await openStore('mem://cluster-test'),
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
    logConfig: localLogConfig,
    config: { groupInitialRebalanceDelayMs: 0 },
  })
  const { port } = broker
  view = { client: new KafkaClient('127.0.0.1', port), metadata, clock: systemClock, random: systemRandom }
})

after(async () => {
  await view.client.close()
  await broker.close()
  await metadata.close()
})

type Question<Name extends RelayedName> = Omit<ApiRequest<Name>, 'virtual_cluster_id'>

function questionOf<Name extends RelayedName>(name: Name, request: Question<Name>): RelayQuestion {
  // The compiler does not recombine the two parts of a request.
  return { id: 'q', name, request: { virtual_cluster_id, ...request } } as unknown as RelayQuestion
}

async function ask<Name extends RelayedName>(name: Name, request: Question<Name>): Promise<ApiResponse<Name>> {
  const answer = await answerQuestion(view, questionOf(name, request))
  assert.ok(answer.ok, JSON.stringify(answer))
  return answer.response as ApiResponse<Name> // the question's name decides the type
}

async function refusal<Name extends RelayedName>(name: Name, request: Question<Name>): Promise<string> {
  const answer = await answerQuestion(view, questionOf(name, request))
  assert.ok(!answer.ok, 'it was not refused')
  return answer.error.code
}

test('a typed message is stored with its key, headers and bytes', async () => {
  await ask('create_topic', { topic_name: 'typed', partition_count: 4 })
  const value = { encoding: 'base64', data: '/wABfw==' } as const
  const headers = [{ key: 'trace', value: { encoding: 'utf8', data: 'abc' } }] as const
  const key = { encoding: 'utf8', data: 'customer-1' } as const
  const place = await ask('produce_topic_message', { topic_name: 'typed', key, value, headers })
  const again = await ask('produce_topic_message', { topic_name: 'typed', key, value: null })
  assert.deepEqual(again, { partition: place.partition, offset: 1 }, 'a key stays in its partition')

  const { record } = await ask('read_topic_message', { topic_name: 'typed', ...place })
  assert.deepEqual(
    [record.key?.data, record.value?.data, record.value?.encoding, record.headers[0]?.value?.data],
    ['customer-1', '/wABfw==', 'base64', 'abc'],
  )
  const tombstone = await ask('read_topic_message', { topic_name: 'typed', partition: again.partition, offset: 1 })
  assert.equal(tombstone.record.value, null)
  assert.equal(await refusal('produce_topic_message', { topic_name: 'typed', partition: 4 }), 'invalid_request')
  assert.equal(await refusal('produce_topic_message', { topic_name: 'missing', value }), 'topic_not_found')
})

test('a list shows the beginning of a long message, which can be read in full', async () => {
  await ask('create_topic', { topic_name: 'long', partition_count: 1 })
  const data = 'x'.repeat(900_000)
  await ask('produce_topic_message', { topic_name: 'long', value: { encoding: 'utf8', data } })
  const { records } = await ask('read_topic_messages', { topic_name: 'long' })
  assert.deepEqual([records[0]?.value?.is_truncated, records[0]?.value?.data.length], [true, 65_536])
  const { record } = await ask('read_topic_message', { topic_name: 'long', partition: 0, offset: 0 })
  assert.ok(record.value?.data === data)
  const missing = { topic_name: 'long', partition: 0, offset: 7 }
  assert.equal(await refusal('read_topic_message', missing), 'topic_message_not_found')
})

test('settings and partitions change together or not at all', async () => {
  await ask('create_topic', { topic_name: 'settings', partition_count: 2, configs: { 'retention.ms': '1000' } })
  const setting = async (name: string) =>
    (await ask('describe_topic_configs', { topic_name: 'settings' })).configs.find(one => one.name === name)
  assert.equal((await setting('retention.ms'))?.source, 'topic')
  assert.equal((await setting('cleanup.policy'))?.source, 'default')

  await ask('update_topic', {
    topic_name: 'settings',
    partition_count: 3,
    configs: { 'retention.ms': null, 'cleanup.policy': 'compact' },
  })
  assert.notEqual((await setting('retention.ms'))?.source, 'topic')
  assert.equal((await setting('cleanup.policy'))?.value, 'compact')
  assert.equal((await ask('describe_topic', { topic_name: 'settings' })).partition_count, 3)

  const broken = { topic_name: 'settings', partition_count: 5, configs: { 'retention.ms': 'soon' } }
  assert.equal(await refusal('update_topic', broken), 'kafka_error')
  const fewer = { topic_name: 'settings', partition_count: 1, configs: { 'cleanup.policy': null } }
  assert.equal(await refusal('update_topic', fewer), 'kafka_error')
  assert.equal((await ask('describe_topic', { topic_name: 'settings' })).partition_count, 3)
  assert.equal((await setting('cleanup.policy'))?.value, 'compact')
})

test('the offsets of a group without members are reset, and the group is deleted', async () => {
  await ask('create_topic', { topic_name: 'read', partition_count: 2 })
  for (const partition of [0, 0, 0, 1])
    await ask('produce_topic_message', { topic_name: 'read', partition, value: { encoding: 'utf8', data: 'x' } })
  const consumer_group_id = 'readers'
  const offsets = async () =>
    (await ask('describe_consumer_group', { consumer_group_id })).partitions.map(one => one.committed_offset)

  await ask('reset_consumer_group_offsets', { consumer_group_id, topic_name: 'read', to: 'latest' })
  assert.deepEqual(await offsets(), [3, 1])
  await ask('reset_consumer_group_offsets', { consumer_group_id, to: 'earliest' })
  assert.deepEqual(await offsets(), [0, 0])
  await ask('reset_consumer_group_offsets', { consumer_group_id, to: 'offset', offset: 2 })
  assert.deepEqual(await offsets(), [2, 1], 'an offset behind the end becomes the end')
  const past = { consumer_group_id, topic_name: 'read', partition: 0, to: 'timestamp' } as const
  await ask('reset_consumer_group_offsets', { ...past, timestamp: '2020-01-01T00:00:00Z' })
  assert.deepEqual(await offsets(), [0, 1])
  await ask('reset_consumer_group_offsets', { ...past, timestamp: '2999-01-01T00:00:00Z' })
  assert.deepEqual(await offsets(), [3, 1])

  await ask('delete_consumer_group', { consumer_group_id })
  assert.equal(await refusal('delete_consumer_group', { consumer_group_id }), 'consumer_group_not_found')
  assert.equal(
    await refusal('reset_consumer_group_offsets', { consumer_group_id, to: 'latest' }),
    'consumer_group_not_found',
  )
})

test('a group with members is neither reset nor deleted', async () => {
  await ask('create_topic', { topic_name: 'busy', partition_count: 1 })
  const { memberId } = await join('')
  await join(memberId)
  const consumer_group_id = 'busy-readers'
  const reset = { consumer_group_id, topic_name: 'busy', to: 'earliest' } as const
  assert.equal(await refusal('reset_consumer_group_offsets', reset), 'consumer_group_not_empty')
  assert.equal(await refusal('delete_consumer_group', { consumer_group_id }), 'consumer_group_not_empty')
})

/** Joins as Kafka's clients do; the first response only assigns the member id. */
function join(memberId: string) {
  return view.client.send('JoinGroup', {
    groupId: 'busy-readers',
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  })
}

test('a topic is created and updated as Terraform does, and is protected from deletion until the protection is removed', async () => {
  const topic_name = 'terraform'
  const protection = 'warpstream.deletion.protection.enabled'
  const configs = { [protection]: 'true', 'warpstream.topic.type': 'classic', 'retention.ms': '604800000' }
  await ask('create_topic', { topic_name, partition_count: 2, configs })
  assert.deepEqual((await ask('describe_topic', { topic_name })).configs, configs)
  assert.equal(await refusal('delete_topic', { topic_name }), 'topic_protected')

  const changed = { ...configs, [protection]: 'false', 'cleanup.policy': 'compact,delete' }
  await ask('update_topic', { topic_name, partition_count: 3, configs: changed })
  const described = await ask('describe_topic', { topic_name })
  assert.deepEqual([described.partition_count, described.configs], [3, changed])
  assert.equal(
    await refusal('update_topic', { topic_name, configs: { 'warpstream.topic.type': 'fast' } }),
    'kafka_error',
  )
  await ask('delete_topic', { topic_name })
  assert.equal(await refusal('describe_topic', { topic_name }), 'topic_not_found')
})

test('a deleted topic is listed and can be restored with its records', async () => {
  const topic_name = 'by-mistake'
  await ask('create_topic', { topic_name })
  await ask('produce_topic_message', { topic_name, value: { encoding: 'utf8', data: 'kept' } })
  await ask('delete_topic', { topic_name })
  const { topics, recently_deleted_topics = [] } = await ask('list_topics', { include_recently_deleted: true })
  assert.ok(!topics.some(topic => topic.topic_name === topic_name))
  const deleted = recently_deleted_topics.find(topic => topic.topic_name === topic_name)!
  assert.ok(Date.parse(deleted.purged_at) - Date.parse(deleted.deleted_at) === 86_400_000)
  assert.equal((await ask('list_topics', {})).recently_deleted_topics, undefined)

  // Another topic of this name prevents it from being restored.
  await ask('create_topic', { topic_name })
  assert.equal(await refusal('undelete_topic', { topic_name }), 'topic_already_exists')
  await ask('delete_topic', { topic_name })
  await ask('undelete_topic', { topic_name, topic_id: deleted.topic_id })
  const { record } = await ask('read_topic_message', { topic_name, partition: 0, offset: 0 })
  assert.equal(record.value?.data, 'kept')
  assert.equal(await refusal('undelete_topic', { topic_name: 'never' }), 'topic_not_found')

  await ask('delete_topic', { topic_name, soft_delete: false })
  const listed = await ask('list_topics', { include_recently_deleted: true })
  assert.ok(!listed.topics.some(topic => topic.topic_name === topic_name))
  const ids = (listed.recently_deleted_topics ?? []).map(({ topic_id }) => topic_id)
  assert.ok(!ids.includes(deleted.topic_id), 'it is gone for good')
})
