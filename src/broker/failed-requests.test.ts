import { fieldsOf } from '../base/index.ts'
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { errorName, type ErrorName, writeRecords, zeroUuid } from '../kafka/index.ts'
import { type Metadata, MetadataError } from '../metadata/index.ts'
import { openMemoryStore } from '../storage/index.ts'
import type { ApiName } from './handler.ts'
import { handlers } from './handlers/index.gen.ts'
import { startTestBroker, type TestBroker, type TestClient } from './test-client.ts'

interface Field {
  readonly name: string
  readonly type: string
  readonly nullable?: string
  readonly fields?: readonly Field[]
}

/** APIs that are answered from memory and therefore cannot fail. */
const inMemory: ReadonlySet<string> = new Set<ApiName>([
  'ApiVersions',
  'SaslHandshake',
  'SaslAuthenticate', // on a port without SASL
  'DescribeAcls', // there is no authorizer
  'CreateAcls',
  'DeleteAcls',
  'ListPartitionReassignments',
  'UpdateFeatures',
  'DescribeCluster',
  'GetTelemetrySubscriptions',
  'PushTelemetry',
])

const retriable: ReadonlySet<ErrorName> = new Set([
  'KAFKA_STORAGE_ERROR',
  'COORDINATOR_NOT_AVAILABLE',
  'LEADER_NOT_AVAILABLE',
])

/**
 * Field values that make a request reach the metadata, by field name; other
 * fields get the simplest value of their type.
 */
const values: Readonly<Record<string, unknown>> = {
  acks: -1,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  transactionTimeoutMs: 1000,
  producerId: -1,
  producerEpoch: -1,
  replicationFactor: -1,
  replicas: [1],
  ops: [{ key: 'producer_byte_rate', value: 1, remove: false }],
  upsertions: [],
  resourceType: 2,
  resourceTypes: [],
  entityType: 'client-id',
  mechanism: 1,
  iterations: 4096,
  configs: [],
  memberId: '',
  groupInstanceId: null,
  instanceId: null,
  rackId: null,
  protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  subscribedTopicNames: ['missing'],
  subscribedTopicRegex: null,
  serverAssignor: null,
  transactionalIdPattern: null,
  cursor: null,
  matchType: 2,
  components: [],
  endpointType: 1,
}

describe('while the metadata is unavailable', () => {
  let broker: TestBroker
  let client: TestClient
  let fails: Error | undefined

  before(async () => {
    broker = await startTestBroker({ autoCreateTopicsEnable: false }, 0, openMemoryStore(), {}, metadata =>
      failing(metadata, () => fails),
    )
    client = await broker.connect()
    const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
    fails = new MetadataError('busy', 'the disk is full')
  })
  after(() => {
    fails = undefined
    return broker.close()
  })

  for (const { api, minVersion, maxVersion } of handlers) {
    if (inMemory.has(api.name)) continue
    for (const version of new Set([Math.max(minVersion, api.name === 'Produce' ? 3 : 0), maxVersion])) {
      it(`${api.name} v${version} is answered with an error that clients retry`, async () => {
        // Known topics need no metadata query.
        const topic = api.name === 'Metadata' || api.name === 'Produce' ? 'unknown' : 't'
        const request = await requestOf(api.name, topic)
        // The test covers all APIs, with requests generated from their schemas.
        const response = await client.call(api.name as ApiName, version, request as never)
        const codes = errorsOf(response)
        // Fetch below v7 has no field for an error of the whole.
        if (api.name === 'Fetch' && version < 7) return assert.deepEqual(fieldsOf(response).responses, [])
        assert.ok(codes.length > 0, `no error in ${JSON.stringify(response)}`)
        assert.deepEqual(
          codes.filter(code => !retriable.has(code)),
          [],
        )
      })
    }
  }

  it('a request for all topics gets no answer, since an incomplete one would look as if topics were deleted', async () => {
    const other = await broker.connect()
    other.send('Metadata', 9, { topics: null, allowAutoTopicCreation: false })
    await other.closed
  })

  it('a known topic is described even if another one cannot be looked up', async () => {
    const topics = [{ name: 't' }, { name: 'unknown' }]
    const answer = await client.call('Metadata', 9, { topics, allowAutoTopicCreation: false })
    assert.deepEqual(
      answer.topics.map(({ name, errorCode, partitions }) => [name, errorName(errorCode), partitions.length]),
      [
        ['t', 'NONE', 1],
        ['unknown', 'LEADER_NOT_AVAILABLE', 0],
      ],
    )
  })

  it('a bug in the broker gives a non-retriable error and keeps the connection open', async () => {
    const before = fails
    fails = new TypeError('a mistake')
    const answer = await client.call('DeleteTopics', 5, { topicNames: ['t'], timeoutMs: 1000 })
    fails = before
    assert.equal(errorName(answer.responses[0]!.errorCode), 'UNKNOWN_SERVER_ERROR')
    assert.equal(answer.responses[0]!.errorMessage, 'The server met an unexpected error.')
  })
})

/** Makes every call reject with the error, if there is one; what is answered from memory is unaffected. */
function failing(metadata: Metadata, failure: () => Error | undefined): Metadata {
  const local = new Set<unknown>(['catalog', 'onLost', 'onTopicsChanged', 'onAppend', 'clusterId', 'close'])
  return new Proxy(metadata, {
    get(target, name: keyof Metadata) {
      const value = target[name]
      if (typeof value !== 'function') return value
      // Methods of every signature are forwarded as they are called.
      const method = (value as (...rest: unknown[]) => unknown).bind(target)
      if (local.has(name)) return method
      return (...rest: unknown[]) => {
        const error = failure()
        return error === undefined ? method(...rest) : Promise.reject(error)
      }
    },
  })
}

/** Field values for individual APIs, where others use the same field name differently. */
const ownValues: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  CreatePartitions: { topics: [{ name: 't', count: 2, assignments: null }] },
  CreateTopics: {
    topics: [{ name: 'new', numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] }],
  },
  ConsumerGroupHeartbeat: { memberId: 'm', topicPartitions: [] },
}

async function requestOf(name: string, topic: string): Promise<Record<string, unknown>> {
  const [file] = globSync(`${import.meta.dirname}/../kafka/schemas/*.ts`).filter(path =>
    path.endsWith(`-${name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}.ts`),
  )
  assert.ok(file, `no schema of ${name}`)
  const { default: schema }: { default: { request: Field[] } } = await import(pathToFileURL(file).href)
  return { ...sample(schema.request, topic), ...ownValues[name] }
}

function sample(fields: readonly Field[], topic: string): Record<string, unknown> {
  return Object.fromEntries(fields.map(field => [field.name, sampleField(field, topic)]))
}

function sampleField({ name, type, fields }: Field, topic: string): unknown {
  if (Object.hasOwn(values, name)) return values[name]
  if (name === 'topicNames' || name === 'topics') return fields === undefined ? [topic] : [sample(fields, topic)]
  if (name === 'v3AndBelowTopics') return [{ name: topic, partitions: [0] }]
  if (fields !== undefined) return type.startsWith('[]') ? [sample(fields, topic)] : sample(fields, topic)
  if (type.startsWith('[]')) return [plainest(type.slice(2), topic)]
  return plainest(type, topic)
}

function plainest(type: string, topic: string): unknown {
  switch (type) {
    case 'string':
      return topic
    case 'uuid':
      return zeroUuid
    case 'bool':
      return false
    case 'records':
      return writeRecords([{ value: Buffer.from('v') }], { timestamp: 0 })
    case 'bytes':
      return Buffer.alloc(16)
    default:
      return 0
  }
}

/** The names of all error codes in an answer except NONE. */
function errorsOf(value: unknown): ErrorName[] {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    /^(partitionE|e)rrorCode$/.test(name) ? (inner === 0 ? [] : [errorName(inner)]) : errorsOf(inner),
  )
}
