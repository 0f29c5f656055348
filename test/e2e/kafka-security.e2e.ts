// A Kafka port with TLS and required SASL: clients, the console's requests and pipelines get in, strangers do not.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { after, before, test } from 'node:test'
import kafkajs from 'kafkajs'
import { type Authority, expired, makeAuthority, type Validity } from '../servers/certificates.ts'
import { Api, eventually, freePorts, type Started, startProgram } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-security-'))
let authority: Authority
let ca: string
let server: Started
let api: Api

before(async () => {
  authority = await makeAuthority()
  ca = authority.ca
  const { cert, key } = await authority.issue('server')
  writeFileSync(join(folder, 'cert.pem'), cert)
  writeFileSync(join(folder, 'key.pem'), key)
  const tls = [
    '-kafkaTLS',
    `-tlsServerCertFile=${join(folder, 'cert.pem')}`,
    `-tlsServerPrivateKeyFile=${join(folder, 'key.pem')}`,
  ]
  const arguments_ = ['standalone', `-dataDir=${join(folder, 'data')}`, ...freePorts, '-requireAuthentication', ...tls]
  server = await startProgram([...arguments_, '-logLevel=debug'])
  api = await Api.connect(server)
})

after(async () => {
  assert.equal(await server.stop(), 0)
  rmSync(folder, { recursive: true })
})

const kafka = (username: string, password: string) =>
  new kafkajs.Kafka({
    brokers: [server.kafkaAddress],
    ssl: { ca: [ca] },
    sasl: { mechanism: 'scram-sha-512', username, password },
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 1 },
  })

test('a client signs in with credentials from the API, and a pipeline automatically', async () => {
  const cluster = { virtual_cluster_id: api.clusterId }
  const { username, password } = await api.call('create_virtual_cluster_credentials', {
    ...cluster,
    credentials_name: 'shop',
  })
  const pipeline = await api.createPipeline(
    'copies',
    'input:\n  kafka_franz_warpstream:\n    topics: [in]\n    consumer_group: g\noutput:\n  kafka_franz_warpstream:\n    topic: out\n',
  )
  await pipeline.until('it runs', ({ health }) => health === 'running')

  const client = kafka(username, password)
  const producer = client.producer()
  await producer.connect()
  await producer.send({ topic: 'in', messages: [{ value: 'through' }] })
  await producer.disconnect()
  const values: string[] = []
  const consumer = client.consumer({ groupId: 'reader' })
  await consumer.connect()
  await eventually(
    'the pipeline has written',
    async () => {
      const { topics } = await api.call('list_topics', cluster)
      return topics
    },
    topics => topics.some(({ topic_name, record_count }) => topic_name === 'out' && record_count > 0),
  )
  await consumer.subscribe({ topic: 'out', fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(String(message.value))
    },
  })
  await eventually(
    'the record has come through',
    async () => values,
    found => found.includes('through'),
  )
  await consumer.disconnect()

  await assert.rejects(kafka(username, 'wrong').admin().connect(), /uthentication failed/)
  const plain = new kafkajs.Kafka({
    brokers: [server.kafkaAddress],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 2_000,
    retry: { retries: 0 },
  })
  await assert.rejects(plain.admin().connect())

  // The credentials of pipelines are in no response and no log line, and only the API's own users are listed.
  const { credentials } = await api.call('list_virtual_cluster_credentials', cluster)
  assert.deepEqual(
    credentials.map(({ name }) => name),
    ['ccn_shop'],
  )
  const status = await api.post('describe_pipeline', pipeline.ids)
  assert.doesNotMatch(status.text + server.stderr(), /ccun_/)
})

test('an expired new certificate is reported and ignored, and a valid one is used', async () => {
  const [host, port] = server.kafkaAddress.split(':')
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: host!, port: Number(port), ca, servername: 'localhost' }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN))
        socket.destroy()
      })
      socket.once('error', reject)
    })
  const replace = async (name: string, validity?: Validity) => {
    const { cert, key } = await authority.issue(name, validity)
    writeFileSync(join(folder, 'key.pem'), key)
    writeFileSync(join(folder, 'cert.pem'), cert)
  }
  await replace('expired', expired())
  await eventually(
    'the log says so',
    async () => server.stderr(),
    log => /the old one stays.*-tlsServerCertFile: the certificate in .*cert\.pem expired at/.test(log),
  )
  assert.equal(await shown(), 'server')
  await replace('renewed')
  await eventually('the new one is shown', shown, name => name === 'renewed')
})
