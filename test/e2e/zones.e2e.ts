// Three agents in two zones on a bucket that counts reads: the agents of a zone read each part of an object once
// together.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { type LocalCluster, type Member, startLocalCluster } from '../servers/local-cluster.ts'
import { eventually, program } from './support.ts'

const topic = 'orders'
const partitions = 12
const records = 240

/** Reads of record data, by object: each object is smaller than one read. */
const reads: string[] = []
let cluster: LocalCluster

before(async () => {
  cluster = await startLocalCluster({
    agents: 0,
    controlPlanes: 1,
    database: 'sqlite',
    store: 's3',
    auth: 'none',
    program: [program],
    fault({ method, path, range }) {
      if (method === 'GET' && range !== undefined && path.includes('/data/')) reads.push(path)
      return undefined
    },
  })
})
after(() => cluster.close())

/** A client of a zone, to which the agents of that zone are returned. */
function client(agent: Member, zone: string): Kafka {
  return new Kafka({ clientId: `warpstream_az=${zone}`, brokers: [agent.address], logLevel: logLevel.NOTHING })
}

async function write(agent: Member): Promise<void> {
  const kafka = client(agent, '')
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  const messages = Array.from({ length: records }, (_, number) => ({
    partition: number % partitions,
    value: `${number}`,
  }))
  await producer.send({ topic, messages })
  await producer.disconnect()
}

/** Reads everything from the agents of a zone. */
async function readAll(agent: Member, zone: string): Promise<void> {
  const consumer = client(agent, zone).consumer({ groupId: `readers-${zone}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values = new Set<string>()
  await consumer.run({ eachMessage: async ({ message }) => void values.add(String(message.value)) })
  await eventually(
    'all records',
    async () => values.size,
    size => size === records,
  )
  await consumer.disconnect()
}

const metric = async ({ welcome }: Member, name: string): Promise<number> => {
  const status = /Agent\s+(\S+)\/v1\/status/.exec(welcome)![1]!
  const text = await (await fetch(`${status}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

test('each object is read once in each zone, however many agents of the zone need it', async () => {
  // The writer has its own data cached, so it is stopped before anything is read.
  const writer = await cluster.addAgent()
  await write(writer)
  await writer.end('SIGTERM')

  const one = await cluster.addAgent(['-availabilityZone', 'a'])
  const two = await cluster.addAgent(['-availabilityZone', 'a'])
  const three = await cluster.addAgent(['-availabilityZone', 'b'])
  for (const agent of [one, two])
    await eventually(
      'the agents of a zone know each other',
      () => metric(agent, 'penstock_zone_neighbours'),
      count => count === 1,
    )

  await readAll(one, 'a')
  const objects = new Set(reads)
  assert.ok(objects.size > 0)
  assert.equal(reads.length, objects.size, `in zone a: ${reads.join(', ')}`)
  // Both agents received fetches: the partitions are distributed over them.
  for (const agent of [one, two])
    assert.ok((await metric(agent, 'warpstream_agent_kafka_requests_total\\{api="Fetch"\\}')) > 0)
  assert.equal(await metric(three, 'penstock_zone_reads_total\\{from="bucket"\\}'), 0)

  await readAll(three, 'b')
  const ofZoneB = reads.slice(objects.size)
  assert.ok(ofZoneB.length > 0)
  assert.equal(ofZoneB.length, new Set(ofZoneB).size, `in zone b: ${ofZoneB.join(', ')}`)
})
