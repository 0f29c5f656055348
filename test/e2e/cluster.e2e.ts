// Three agents and two control planes as separate processes, on PostgreSQL (if available) and an S3 server.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { type LocalCluster, startLocalCluster } from '../servers/local-cluster.ts'
import { hasPostgres } from '../servers/postgres-server.ts'
import { Api, eventually, type PipelineUnderTest, program } from './support.ts'

let cluster: LocalCluster
/** One for each control plane. */
let apis: Api[]

before(async () => {
  cluster = await startLocalCluster({
    agents: 3,
    controlPlanes: 2,
    database: hasPostgres() ? 'postgres' : 'sqlite',
    store: 's3',
    auth: 'scram-tls',
    program: [program],
  })
  apis = await Promise.all(
    cluster.controlPlanes.map(({ address }) => Api.connect({ apiUrl: `${address}/api/v1`, apiKey: cluster.apiKey })),
  )
})
after(() => cluster.close())

function kafka(agent: number): Kafka {
  const { username, password, caFile } = cluster.login!
  return new Kafka({
    brokers: [cluster.agents[agent]!.address],
    ssl: { ca: [readFileSync(caFile, 'utf8')] },
    sasl: { mechanism: 'scram-sha-512', username, password },
    logLevel: logLevel.NOTHING,
    retry: { retries: 12, initialRetryTime: 100, maxRetryTime: 1000 },
  })
}

/** How many instances of a pipeline run on each live agent, as seen by a control plane. */
async function running({ ids }: PipelineUnderTest, plane = 0): Promise<string> {
  const { agents } = await apis[plane]!.call('list_agents', { virtual_cluster_id: ids.virtual_cluster_id })
  const counts = agents
    .filter(agent => agent.is_alive)
    .map(
      ({ instances }) => instances.filter(one => one.pipeline_id === ids.pipeline_id && one.state === 'running').length,
    )
  return counts.toSorted((a, b) => a - b).join()
}

function untilRunning(counts: string, pipeline: PipelineUnderTest, plane = 0): Promise<string> {
  return eventually(
    `${counts} instances on the agents`,
    () => running(pipeline, plane),
    found => found === counts,
  )
}

function deploy(name: string, concurrency: string): Promise<PipelineUnderTest> {
  const stream = `input:\n  generate:\n    interval: 1s\n    mapping: 'root = "x"'\noutput:\n  drop: {}\n`
  return apis[0]!.createPipeline(name, `${stream}warpstream:\n  ${concurrency}\n`)
}

/** Reads a topic from its start through an agent; the list grows while the consumer runs. */
async function read(agent: number, topic: string, groupId: string) {
  const consumer = kafka(agent).consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values: string[] = []
  await consumer.run({ eachMessage: async ({ message }) => void values.push(String(message.value)) })
  return { values, close: () => consumer.disconnect() }
}

const untilLength = (values: readonly string[], length: number) =>
  eventually(
    `${length} records`,
    async () => values.length,
    found => found >= length,
  )

test('a topic created by one agent is written through a second and read through a third', async () => {
  const admin = kafka(0).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 6 }] })
  const { brokers } = await admin.describeCluster()
  assert.equal(new Set(brokers.map(({ nodeId }) => nodeId)).size, 3)
  await admin.disconnect()
  const producer = kafka(1).producer()
  await producer.connect()
  const reader = await read(2, 'orders', 'readers')
  const sent = Array.from({ length: 60 }, (_, number) => `${number}`)
  await producer.send({ topic: 'orders', messages: sent.map(value => ({ key: value, value })) })
  await untilLength(reader.values, sent.length)
  assert.deepEqual(reader.values.toSorted(), sent.toSorted())
  await reader.close()
  await producer.disconnect()
})

test('pipelines are distributed among the agents, and one with exact_concurrency: 1 runs once', async () => {
  const four = await deploy('four', 'cluster_concurrency_target: 4')
  const two = await deploy('two', 'agent_concurrency_target: 2')
  const one = await deploy('one', 'exact_concurrency: 1')
  await untilRunning('2,2,2', four)
  await untilRunning('2,2,2', two)
  await untilRunning('0,0,1', one)
  // A control plane learns from the database what agents report to another one.
  await untilRunning('0,0,1', one, 1)
})

test('every control plane returns answers of agents and the log lines of all agents', async () => {
  const three = await deploy('three', 'agent_concurrency_target: 1')
  await untilRunning('1,1,1', three)
  const cluster = { virtual_cluster_id: three.ids.virtual_cluster_id }
  for (const [plane, api] of apis.entries()) {
    const { topics } = await api.call('list_topics', cluster)
    assert.ok(
      topics.some(({ topic_name }) => topic_name === 'orders'),
      `control plane ${plane}`,
    )
    await eventually(
      `lines of three agents at control plane ${plane}`,
      async () => {
        const { lines } = await api.call('read_pipeline_logs', three.ids)
        return new Set(lines.map(({ agent_id }) => agent_id)).size
      },
      agents => agents === 3,
    )
  }
})

test('killing a control plane causes no errors, loses no acknowledged records and keeps their order', async () => {
  const producer = kafka(0).producer()
  await producer.connect()
  const acknowledged: string[] = []
  let isStopping = false
  const sending = (async () => {
    for (let number = 0; !isStopping; number++) {
      await producer.send({ topic: 'survivors', messages: [{ value: `${number}` }] })
      acknowledged.push(`${number}`)
    }
  })()
  await untilLength(acknowledged, 20)
  await cluster.controlPlanes[0]!.end('SIGKILL')
  await untilLength(acknowledged, acknowledged.length + 20)
  await cluster.restartControlPlane(0)
  isStopping = true
  await sending
  await producer.disconnect()
  const reader = await read(1, 'survivors', 'after')
  await untilLength(reader.values, acknowledged.length)
  assert.deepEqual(reader.values, acknowledged)
  await reader.close()
})

test('clients and pipelines of an agent that drains or is killed move to the others', async () => {
  const moved = await deploy('moved', 'cluster_concurrency_target: 4')
  await untilRunning('2,2,2', moved)
  const producer = kafka(0).producer()
  await producer.connect()
  await cluster.agents[2]!.end('SIGTERM')
  await untilRunning('2,2', moved)
  await producer.send({ topic: 'orders', messages: [{ value: 'after the drain' }] })
  await cluster.agents[1]!.end('SIGKILL')
  await untilRunning('4', moved)
  await producer.send({ topic: 'orders', messages: [{ value: 'after the kill' }] })
  await producer.disconnect()
})
