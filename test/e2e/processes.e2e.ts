// An agent of several processes behind one Kafka port: each is an agent to the cluster, one that dies is restarted
// while the others continue, they read each object once together, and all end with the one that started them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { type LocalCluster, type Member, startLocalCluster } from '../servers/local-cluster.ts'
import { Api, eventually, program } from './support.ts'

const processes = 3
const partitions = 12

/** Objects with records that were read from the bucket, once for each read. */
const reads: string[] = []
let cluster: LocalCluster
let api: Api

before(async () => {
  cluster = await startLocalCluster({
    agents: 0,
    controlPlanes: 1,
    database: 'sqlite',
    store: 's3',
    auth: 'none',
    program: [program],
    agentFlags: ['-processes', `${processes}`, '-availabilityZone', 'a'],
    fault({ method, path, range }) {
      if (method === 'GET' && range !== undefined && path.includes('/data/')) reads.push(path)
      return undefined
    },
  })
  api = await Api.connect({ apiUrl: `${cluster.controlPlanes[0]!.address}/api/v1`, apiKey: cluster.apiKey })
})
after(() => cluster.close())

/** A client that retries as long as Kafka's own: metadata lists a killed process for some seconds. */
function client({ address }: Member): Kafka {
  return new Kafka({
    clientId: 'orders',
    brokers: [address],
    logLevel: logLevel.NOTHING,
    retry: { retries: 90, initialRetryTime: 100, maxRetryTime: 1000 },
  })
}

/** Process ids of the live agents. */
async function alive(): Promise<number[]> {
  const { agents } = await api.call('list_agents', { virtual_cluster_id: api.clusterId })
  return agents.filter(one => one.is_alive).map(one => Number(one.agent_name.split(':').at(-1)))
}

const exists = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/**
 * Sends each value in a request of its own. When the leader of a partition changes while kafkajs sends to several brokers,
 * it takes the answer of the new leader to the other partitions for that of this one, and its records are never sent.
 */
async function send(agent: Member, topic: string, values: readonly string[]): Promise<void> {
  const producer = client(agent).producer()
  try {
    await producer.connect()
    await Promise.all(
      values.map((value, index) => producer.send({ topic, messages: [{ partition: index % partitions, value }] })),
    )
  } finally {
    await producer.disconnect()
  }
}

/** Reads until this many different values have arrived. */
async function readAll(agent: Member, topic: string, count: number): Promise<string[]> {
  const consumer = client(agent).consumer({ groupId: `readers-${topic}` })
  const values: string[] = []
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void values.push(String(message.value)) })
    await eventually(
      'all records',
      async () => new Set(values).size,
      different => different >= count,
    )
  } finally {
    await consumer.disconnect()
  }
  return values
}

async function createTopic(agent: Member, topic: string) {
  const admin = client(agent).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
  const { brokers } = await admin.describeCluster()
  await admin.disconnect()
  return brokers
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `${from + index}`)
const sorted = (values: readonly string[]) => values.toSorted((one, two) => Number(one) - Number(two))

test('clients connect to one port, and see each process at its own port', async () => {
  const agent = await cluster.addAgent()
  assert.match(agent.welcome, new RegExp(`with ${processes} processes`))
  const brokers = await createTopic(agent, 'orders')
  assert.equal(new Set(brokers.map(({ nodeId }) => nodeId)).size, processes)
  assert.equal(new Set(brokers.map(({ port }) => port)).size, processes)
  assert.ok(!brokers.some(({ port }) => agent.address.endsWith(`:${port}`)), 'the shared port is none of these')
  await send(agent, 'orders', numbers(0, 120))
  assert.deepEqual(sorted(await readAll(agent, 'orders', 120)), numbers(0, 120))
})

test('a killed process is restarted, and no acknowledged records are lost', async () => {
  const [agent] = cluster.agents
  await createTopic(agent!, 'kept')
  await send(agent!, 'kept', numbers(0, 60))
  const before = await eventually('all processes', alive, pids => pids.length === processes)
  process.kill(before.at(-1)!, 'SIGKILL')
  await send(agent!, 'kept', numbers(60, 120))
  const now = await eventually(
    'another process in its place',
    alive,
    pids => pids.length === processes && !pids.includes(before.at(-1)!),
  )
  assert.equal(now.filter(pid => before.includes(pid)).length, processes - 1, 'the others go on')
  assert.equal(agent!.process.exitCode, null)
  // A producer without idempotence sends once more what it got no answer to.
  assert.deepEqual(sorted([...new Set(await readAll(agent!, 'kept', 120))]), numbers(0, 120))
})

test('all processes end with their parent, whether it is stopped or dies', async () => {
  const [agent] = cluster.agents
  const ofFirst = await alive()
  await agent!.end('SIGTERM')
  assert.equal(agent!.process.exitCode, 0)
  assert.deepEqual([ofFirst.filter(exists), await alive()], [[], []])

  const second = await cluster.addAgent()
  const ofSecond = await alive()
  assert.equal(ofSecond.length, processes)
  await second.end('SIGKILL')
  await eventually(
    'they end by themselves',
    async () => ofSecond.filter(exists),
    left => left.length === 0,
  )
  assert.deepEqual(await alive(), [], 'they have left the cluster')
})

test('the processes of an agent together read each object once', async () => {
  // Who writes has what it wrote in memory, and is gone before anybody reads.
  const writer = await cluster.addAgent()
  await createTopic(writer, 'shared')
  for (let round = 0; round < 5; round++) await send(writer, 'shared', numbers(round * 120, (round + 1) * 120))
  await writer.end('SIGTERM')
  const reader = await cluster.addAgent()
  const status = /Agent\s+(\S+)\/v1\/status/.exec(reader.welcome)![1]!
  await eventually(
    'the processes know each other',
    async () => (await fetch(`${status}/metrics`)).text(),
    text => text.includes(`\npenstock_zone_neighbours ${processes - 1}\n`),
  )
  reads.length = 0
  assert.deepEqual(sorted(await readAll(reader, 'shared', 600)), numbers(0, 600))
  assert.ok(reads.length > 0)
  assert.equal(reads.length, new Set(reads).size, reads.join(', '))
})
