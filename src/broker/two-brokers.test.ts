import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import { nullLog, systemClock, systemRandom } from '../base/index.ts'
import { hasPostgres, startPostgresServer } from '../../test/servers/postgres-server.ts'
import { MetadataClient } from '../metadata/client.ts'
import { type Metadata, MetadataHub, openPostgresMetadata } from '../metadata/index.ts'
import { openSqliteTransport } from '../metadata/sqlite.ts'
import { type ObjectStore, openMemoryStore } from '../storage/index.ts'
import { Broker } from './broker.ts'
import type { BrokerEndpoint, Cluster } from './cluster.ts'
import { fenceFeature } from './fenced-client.ts'
import { localLogConfig } from './log/index.ts'
import { until } from '../base/until.suite.ts'

const PARTITIONS = 4

/** A broker with a separate connection to the database. */
interface Node {
  readonly broker: Broker
  readonly endpoint: BrokerEndpoint
  close(): Promise<void>
}

/** Opens the metadata of one cluster for several brokers. */
interface Database {
  open(): Promise<Metadata>
  close(): Promise<void>
}

async function openSqlite(): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-brokers-'))
  const hub = new MetadataHub(await openSqliteTransport(join(folder, 'metadata.db'), systemClock))
  return {
    open: () => MetadataClient.open(hub.connect(), { random: systemRandom }),
    async close() {
      await hub.close()
      await rm(folder, { recursive: true })
    },
  }
}

async function openPostgres(): Promise<Database> {
  const server = await startPostgresServer()
  return {
    open: () => openPostgresMetadata({ url: server.url, connections: 4, random: systemRandom, log: nullLog }),
    close: () => server.close(),
  }
}

twoBrokers('SQLite', openSqlite)
if (hasPostgres()) twoBrokers('PostgreSQL', openPostgres)

function twoBrokers(name: string, openDatabase: () => Promise<Database>): void {
  describe(`two brokers over one ${name}`, () => {
    let database: Database
    let store: ObjectStore
    let nodes: Node[]
    const opened: { disconnect(): Promise<void> }[] = []

    beforeEach(async () => {
      database = await openDatabase()
      store = openMemoryStore()
      nodes = []
      for (const nodeId of [1, 2]) nodes.push(await start(nodeId))
    })
    afterEach(async () => {
      await Promise.all(opened.splice(0).map(client => client.disconnect()))
      for (const node of nodes) await node.close()
      await database.close()
    })

    async function start(nodeId: number): Promise<Node> {
      const metadata = await database.open()
      // Each prefers itself as coordinator, as brokers that do not know each other do.
      const own = () => nodes.find(node => node.endpoint.nodeId === nodeId)!.endpoint
      const cluster: Cluster = {
        brokers: () => nodes.map(({ endpoint }) => endpoint),
        leaderOf: (_topic, partition) => nodes[partition % nodes.length]!.endpoint,
        coordinatorOf: own,
        noteCoordinator: () => {},
        controller: own,
        seenBy: () => cluster,
      }
      const broker = await Broker.open({
        metadata,
        store,
        clock: systemClock,
        random: systemRandom,
        log: nullLog,
        logConfig: localLogConfig,
        port: 0,
        host: '127.0.0.1',
        cluster: () => cluster,
        config: { nodeId, groupInitialRebalanceDelayMs: 0, groupMinSessionTimeoutMs: 1000 },
      })
      const endpoint = { nodeId, host: '127.0.0.1', port: broker.port, rack: null }
      const close = async () => {
        await broker.close()
        await metadata.close()
      }
      return { broker, endpoint, close }
    }

    const clientOf = (node: Node, clientId = 'test', others: readonly Node[] = []) =>
      new Kafka({
        clientId,
        brokers: [node, ...others].map(({ endpoint: { host, port } }) => `${host}:${port}`),
        logLevel: logLevel.NOTHING,
        retry: { initialRetryTime: 50, maxRetryTime: 300, retries: 8 },
      })

    async function consume(
      node: Node,
      onMessage: (partition: number, value: string) => void,
      others: readonly Node[] = [],
    ) {
      const consumer: Consumer = clientOf(node, 'test', others).consumer({
        groupId: 'g',
        heartbeatInterval: 200,
        sessionTimeout: 3000,
        maxWaitTimeInMs: 200,
      })
      opened.push(consumer)
      const member: { consumer: typeof consumer; partitions: number[] } = { consumer, partitions: [] }
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        member.partitions = payload.memberAssignment.t ?? []
      })
      await consumer.connect()
      await consumer.subscribe({ topic: 't', fromBeginning: true })
      await consumer.run({ eachMessage: async ({ partition, message }) => onMessage(partition, String(message.value)) })
      return member
    }

    async function produce(count: number): Promise<void> {
      const producer: Producer = clientOf(nodes[0]!).producer()
      opened.push(producer)
      await producer.connect()
      const messages = Array.from({ length: count }, (_, index) => ({
        value: `${index}`,
        partition: index % PARTITIONS,
      }))
      await producer.send({ topic: 't', messages })
    }

    async function createTopic(): Promise<void> {
      const admin = clientOf(nodes[0]!).admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic: 't', numPartitions: PARTITIONS }] })
      await admin.disconnect()
    }

    const all = Array.from({ length: PARTITIONS }, (_, partition) => partition)

    it('accept nothing from a fenced client, whichever broker it uses', async () => {
      await createTopic()
      const metadata = await database.open()
      opened.push({ disconnect: () => metadata.close() })
      // The client library does not know PRODUCER_FENCED by name.
      const isFenced = { message: 'Unknown error code 90' }
      const lease = 'pipeline/p/cluster/0'
      const writer = async (node: Node, epoch: number) => {
        assert.equal(await metadata.raiseFence({ lease, epoch }), true)
        const producer = clientOf(node, `orders${fenceFeature({ lease, epoch })}`).producer({ retry: { retries: 0 } })
        opened.push(producer)
        await producer.connect()
        return (value: string) =>
          producer.send({ topic: 't', messages: all.map(partition => ({ value: `${value}-${partition}`, partition })) })
      }
      const first = await writer(nodes[0]!, 1)
      await first('a')
      const second = await writer(nodes[1]!, 2)
      await assert.rejects(first('b'), isFenced)
      await second('c')
      await assert.rejects(first('d'), isFenced)
      const seen: string[] = []
      await consume(nodes[0]!, (_, value) => seen.push(value))
      await until(() => seen.length >= 2 * PARTITIONS)
      assert.deepEqual(
        seen.toSorted(),
        ['a', 'c'].flatMap(value => all.map(partition => `${value}-${partition}`)),
      )
    })

    it('have one coordinator for a group, whose members share the partitions whichever broker they use', async () => {
      await createTopic()
      const seen: string[] = []
      const members = [
        await consume(nodes[0]!, (_, value) => seen.push(value)),
        await consume(nodes[1]!, (_, value) => seen.push(value)),
      ]
      const isShared = () => members.every(({ partitions }) => partitions.length === PARTITIONS / 2)
      await until(isShared)
      assert.deepEqual(new Set(members.flatMap(({ partitions }) => partitions)), new Set(all))
      await produce(40)
      await until(() => seen.length >= 40)
      assert.deepEqual(
        seen.toSorted((left, right) => Number(left) - Number(right)),
        Array.from({ length: 40 }, (_, index) => `${index}`),
      )
      const admins = nodes.map(node => clientOf(node).admin())
      const lists = []
      for (const admin of admins) {
        await admin.connect()
        lists.push((await admin.describeGroups(['g'])).groups[0]!)
        await admin.disconnect()
      }
      assert.deepEqual(
        lists.map(({ state, members: { length } }) => [state, length]),
        [
          ['Stable', 2],
          ['Stable', 2],
        ],
      )
    })

    it('take over from one another: members resume at their committed offsets', async () => {
      await createTopic()
      const seen: string[] = []
      // A client that has given up and starts again asks the brokers that it was given, one of which is gone by then.
      await consume(nodes[1]!, (_, value) => seen.push(value), [nodes[0]!])
      await produce(8)
      await until(() => seen.length >= 8)
      const [gone] = nodes.splice(
        nodes.findIndex(({ broker }) => broker.coordinates('g')),
        1,
      )
      await gone!.close()
      const producer = clientOf(nodes[0]!).producer()
      opened.push(producer)
      await producer.connect()
      await producer.send({ topic: 't', messages: [{ value: 'after', partition: 0 }] })
      await until(() => seen.includes('after') && nodes[0]!.broker.coordinates('g'))
      const admin = clientOf(nodes[0]!).admin()
      opened.push(admin)
      await admin.connect()
      const committed = async () => {
        const [topic] = await admin.fetchOffsets({ groupId: 'g', topics: ['t'] })
        return Number(topic!.partitions.find(({ partition }) => partition === 0)!.offset)
      }
      // A client whose commit was interrupted by the change commits again with the next record.
      await until(async () => {
        await producer.send({ topic: 't', messages: [{ value: 'more', partition: 0 }] })
        return (await committed()) >= 3
      })
    })
  })
}
