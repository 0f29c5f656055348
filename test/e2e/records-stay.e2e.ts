// The control plane never sees a record: neither the traffic on the links of agents nor its database contains any part
// of one, except for the records that a user looks at, which are passed on and stored nowhere.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { type LocalCluster, startLocalCluster } from '../servers/local-cluster.ts'
import { Api, eventually, program } from './support.ts'
import { portOf } from '../servers/ports.ts'

const marker = 'm4rk3r-of-a-record'
const topics = ['marked', 'copied', 'failed']

let cluster: LocalCluster
let api: Api
/** All traffic on the links: a list for each connection and direction. */
const seen: { readonly isMasked: boolean; readonly chunks: Buffer[] }[] = []
const closers: (() => void)[] = []

before(async () => {
  cluster = await startLocalCluster({
    agents: 2,
    controlPlanes: 1,
    database: 'sqlite',
    store: 'file',
    auth: 'none',
    program: [program],
    between: async address => `http://127.0.0.1:${await listenIn(Number(new URL(address).port))}`,
  })
  api = await Api.connect({ apiUrl: `${cluster.controlPlanes[0]!.address}/api/v1`, apiKey: cluster.apiKey })
})
after(async () => {
  await cluster.close()
  for (const close of closers) close()
})

/** A proxy that records what passes. */
async function listenIn(port: number): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    const target = connect(port, '127.0.0.1')
    for (const [from, to, isMasked] of [
      [socket, target, true],
      [target, socket, false],
    ] as const) {
      sockets.add(from)
      const chunks: Buffer[] = []
      seen.push({ isMasked, chunks })
      from.on('data', chunk => chunks.push(Buffer.from(chunk)))
      from.pipe(to)
      from.on('error', () => to.destroy()).on('close', () => to.destroy())
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return portOf(server) // of a listening server
}

const isIn = (bytes: Buffer) => bytes.includes(marker) || bytes.includes(Buffer.from(marker, 'utf16le'))
const onTheLinks = () =>
  seen.some(({ isMasked, chunks }) => isIn(isMasked ? unmasked(Buffer.concat(chunks)) : Buffer.concat(chunks)))
const inTheDatabase = () =>
  globSync(`${cluster.databaseUrl.replace('sqlite:', '')}*`).filter(file => isIn(readFileSync(file)))

/** The data that a client has sent over a WebSocket: each frame is masked with the four bytes before it (RFC 6455). */
function unmasked(bytes: Buffer): Buffer {
  const payloads: Uint8Array[] = []
  let at = bytes.indexOf('\r\n\r\n') + 4
  while (at + 14 < bytes.length) {
    const short = bytes[at + 1]! & 0x7f
    const size =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    at += short < 126 ? 2 : short === 126 ? 4 : 10
    const mask = bytes.subarray(at, at + 4)
    payloads.push(bytes.subarray(at + 4, at + 4 + size).map((byte, index) => byte ^ mask[index % 4]!))
    at += 4 + size
  }
  return Buffer.concat(payloads)
}

function kafka(): Kafka {
  return new Kafka({
    brokers: [cluster.agents[0]!.address],
    logLevel: logLevel.NOTHING,
    // A killed agent is returned to clients until its lease is over.
    retry: { retries: 90, initialRetryTime: 100, maxRetryTime: 1000 },
  })
}

/** Empty if the client was sent to an agent that is gone. */
async function counts(): Promise<number[]> {
  const admin = kafka().admin()
  try {
    await admin.connect()
    const ends = await Promise.all(topics.map(topic => admin.fetchTopicOffsets(topic)))
    return ends.map(partitions => partitions.reduce((sum, { high }) => sum + Number(high), 0))
  } catch {
    return topics.map(() => 0)
  } finally {
    await admin.disconnect()
  }
}

test('no part of a record is sent over the links or stored in the database: producing, reading, pipelines, failures, a kill', async () => {
  const admin = kafka().admin()
  await admin.connect()
  await admin.createTopics({ topics: topics.map(topic => ({ topic, numPartitions: 2 })) })
  await admin.disconnect()
  const copy = (output: string, processor: string, group: string) => `input:
  kafka_franz_warpstream:
    topics: [ marked ]
    consumer_group: ${group}
pipeline:
  processors:
    - ${processor}
output:
  kafka_franz_warpstream:
    topic: ${output}
    key: \${! @kafka_key }
`
  await api.createPipeline('copies', copy('copied', `mapping: 'root = content().uppercase() + content()'`, 'one'))
  await api.createPipeline('fails', copy('failed', `mapping: 'root = this.missing.number()'`, 'two'))
  const producer = kafka().producer()
  await producer.connect()
  const send = async (count: number) => {
    const message = { key: `${marker}-key`, value: `${marker}-value`, headers: { name: `${marker}-header` } }
    await producer.send({ topic: 'marked', messages: Array.from({ length: count }, () => message) })
  }
  await send(50)
  await eventually('all are copied', counts, found => found.every(count => count >= 50))
  await cluster.agents[1]!.end('SIGKILL')
  const isSent = () =>
    send(50).then(
      () => true,
      () => false,
    )
  await eventually('more is written', isSent, sent => sent)
  await eventually('all are copied by the other agent', counts, found => found.every(count => count >= 100))
  await producer.disconnect()
  assert.equal(onTheLinks(), false)
  assert.deepEqual(inTheDatabase(), [])
})

test('records that a user views are passed on and not stored', async () => {
  const request = { virtual_cluster_id: api.clusterId, topic_name: 'marked' }
  const { records } = await api.call('read_topic_messages', request)
  assert.ok(JSON.stringify(records).includes(marker))
  assert.equal(onTheLinks(), true, 'the search finds what is there')
  assert.deepEqual(inTheDatabase(), [])
})
