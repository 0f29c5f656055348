import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import kafkajs, { type AclOperationTypes as AclOperation, type Kafka as KafkaClient } from 'kafkajs'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { errorName, scramKeysOf } from '../../kafka/index.ts'
import { type Metadata, openSqliteMetadata, storedScramKeys } from '../../metadata/index.ts'
import { openMemoryStore } from '../../storage/index.ts'
import { Broker } from '../broker.ts'
import { localLogConfig } from '../log/index.ts'
import { TestClient } from '../test-client.ts'
import { ClusterCredentials, PasswordCheck } from './credentials.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } = kafkajs

describe('with ACLs on', () => {
  let metadata: Metadata
  let broker: Broker
  before(async () => {
    metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    const keys = storedScramKeys(await scramKeysOf('sha512', 'secret', Buffer.from('salt')))
    const user = (username: string, superuser: boolean) =>
      ({ username, id: '', name: `ccn_${username}`, sha256: null, sha512: keys, superuser, expiresAt: null }) as const
    await metadata.putCredentials([user('root', true), user('alice', false)])
    await metadata.setAclMode('on')
    broker = await Broker.open({
      port: 0,
      host: '127.0.0.1',
      metadata,
      store: openMemoryStore(),
      clock: systemClock,
      random: systemRandom,
      log: nullLog,
      logConfig: localLogConfig,
      config: { groupInitialRebalanceDelayMs: 0 },
      security: {
        sasl: {
          credentials: new ClusterCredentials(metadata, systemClock),
          passwords: new PasswordCheck(),
          maxSessionMs: 0,
          clock: systemClock,
          required: true,
        },
      },
    })
  })
  after(async () => {
    await broker.close()
    await metadata.close()
  })

  const clientOf = (username: string) =>
    new Kafka({
      brokers: [`127.0.0.1:${broker.port}`],
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
      sasl: { mechanism: 'scram-sha-512', username, password: 'secret' },
    })
  const asAdmin = async <T>(
    name: string,
    work: (admin: ReturnType<KafkaClient['admin']>) => Promise<T>,
  ): Promise<T> => {
    const admin = clientOf(name).admin()
    await admin.connect()
    try {
      return await work(admin)
    } finally {
      await admin.disconnect()
    }
  }
  const acl = (principal: string, operation: AclOperation, resourceName: string) => ({
    resourceType: AclResourceTypes.TOPIC,
    resourceName,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal,
    host: '*',
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  })
  const produce = async (name: string, topic: string) => {
    const producer = clientOf(name).producer()
    await producer.connect()
    try {
      await producer.send({ topic, messages: [{ value: 'x' }] })
    } finally {
      await producer.disconnect()
    }
  }

  it('a superuser may do everything, and other users what ACLs allow', async () => {
    await asAdmin('root', admin => admin.createTopics({ topics: [{ topic: 'orders' }, { topic: 'secrets' }] }))
    assert.deepEqual(await asAdmin('alice', admin => admin.listTopics()), [])
    await assert.rejects(produce('alice', 'orders'), /[Nn]ot authorized/)
    await assert.rejects(
      asAdmin('alice', admin => admin.createTopics({ topics: [{ topic: 'mine' }] })),
      /TOPIC_AUTHORIZATION_FAILED|[Nn]ot authorized|Topic creation errors/,
    )
    // An ACL may use the credential's name as well as the user's.
    await asAdmin('root', admin =>
      admin.createAcls({ acl: [acl('User:ccn_alice', AclOperationTypes.WRITE, 'orders')] }),
    )
    await produce('alice', 'orders')
    assert.deepEqual(await asAdmin('alice', admin => admin.listTopics()), ['orders'])
    await assert.rejects(produce('alice', 'secrets'), /[Nn]ot authorized/)
  })

  it('a group needs its own permission', async () => {
    await asAdmin('root', admin => admin.createAcls({ acl: [acl('User:alice', AclOperationTypes.READ, 'orders')] }))
    const consumer = clientOf('alice').consumer({ groupId: 'g' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    const crashed = new Promise<Error>(resolve => {
      consumer.on('consumer.crash', ({ payload }) => resolve(payload.error))
    })
    await consumer.run({ eachMessage: async () => undefined }).catch(() => undefined)
    assert.match((await crashed).message, /[Gg]roup/)
    await consumer.disconnect()
  })

  it('a KIP-848 pattern subscription reveals no topic that the client may not describe', async () => {
    await asAdmin('root', admin =>
      admin.createAcls({
        acl: [
          acl('User:alice', AclOperationTypes.READ, 'orders'),
          { ...acl('User:alice', AclOperationTypes.READ, 'by-pattern'), resourceType: AclResourceTypes.GROUP },
        ],
      }),
    )
    const assigned = async (username: string) => {
      const client = await TestClient.open(broker.port)
      await client.call('SaslHandshake', 1, { mechanism: 'PLAIN' })
      const { errorCode } = await client.call('SaslAuthenticate', 1, {
        authBytes: Buffer.from(`\0${username}\0secret`),
      })
      assert.equal(errorName(errorCode), 'NONE')
      const joining = { groupId: 'by-pattern', memberId: username, memberEpoch: 0, instanceId: null, rackId: null }
      const subscription = { subscribedTopicNames: null, subscribedTopicRegex: '.*', serverAssignor: null }
      const answer = await client.call('ConsumerGroupHeartbeat', 1, {
        ...joining,
        ...subscription,
        rebalanceTimeoutMs: 60_000,
        topicPartitions: [],
      })
      await client.call('ConsumerGroupHeartbeat', 1, {
        ...joining,
        ...subscription,
        memberEpoch: -1,
        rebalanceTimeoutMs: -1,
        topicPartitions: null,
      })
      client.close()
      const names = answer.assignment!.topicPartitions.map(({ topicId }) => metadata.catalog().byId.get(topicId)!.name)
      return names.toSorted()
    }
    assert.deepEqual(await assigned('alice'), ['orders'])
    assert.deepEqual(await assigned('root'), ['orders', 'secrets'])
  })

  it('ACLs are listed and deleted by filters, with permission only', async () => {
    const filter = {
      resourceType: AclResourceTypes.TOPIC,
      resourceName: 'orders',
      resourcePatternType: ResourcePatternTypes.MATCH,
      operation: AclOperationTypes.ANY,
      permissionType: AclPermissionTypes.ANY,
    }
    const { resources } = await asAdmin('root', admin => admin.describeAcls(filter))
    assert.deepEqual(
      resources.map(({ resourceName, acls }) => [resourceName, acls.map(({ principal }) => principal)]),
      [['orders', ['User:ccn_alice', 'User:alice']]],
    )
    await assert.rejects(
      asAdmin('alice', admin => admin.describeAcls(filter)),
      (error: Error & { code?: number }) => errorName(error.code ?? 0) === 'CLUSTER_AUTHORIZATION_FAILED',
    )
    const { filterResponses } = await asAdmin('root', admin => admin.deleteAcls({ filters: [filter] }))
    assert.equal(filterResponses[0]!.matchingAcls.length, 2)
    await assert.rejects(produce('alice', 'orders'), /[Nn]ot authorized/)
  })
})

describe('without ACLs', () => {
  it('the ACL APIs answer SECURITY_DISABLED', async () => {
    const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    const broker = await Broker.open({
      port: 0,
      host: '127.0.0.1',
      metadata,
      store: openMemoryStore(),
      clock: systemClock,
      random: systemRandom,
      log: nullLog,
      logConfig: localLogConfig,
    })
    const admin = new Kafka({ brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    await assert.rejects(
      admin.describeAcls({
        resourceType: AclResourceTypes.ANY,
        resourcePatternType: ResourcePatternTypes.ANY,
        operation: AclOperationTypes.ANY,
        permissionType: AclPermissionTypes.ANY,
      }),
      (error: Error & { code?: number }) => errorName(error.code ?? 0) === 'SECURITY_DISABLED',
    )
    await admin.disconnect()
    await broker.close()
    await metadata.close()
  })
})
