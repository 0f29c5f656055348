// How control planes and agents start if something is not there yet, or is wrong: they wait for what may become
// available, and name the flag at fault for what will not.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import { openPostgres } from '../../src/database/index.ts'
import { expired, makeAuthority } from '../servers/certificates.ts'
import { type LocalCluster, startLocalCluster } from '../servers/local-cluster.ts'
import { hasPostgres, startPostgresServer } from '../servers/postgres-server.ts'
import { freePort } from '../servers/ports.ts'
import { startS3Server } from '../servers/s3-server.ts'
import { program } from './support.ts'

const sealingKey = '0'.repeat(64)

/** Starts a program; gives its output, and how it ends. */
function launch(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } })
  const output = { text: '' }
  const { promise: ended, resolve } = Promise.withResolvers<number | null>()
  child.once('close', resolve)
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output.text += chunk.toString()
      for (const wake of waiting) wake()
    })
  void ended.then(() => waiting.forEach(wake => wake()))
  return {
    output,
    ended,
    /** Resolves once its output matches; fails if it ends before that. */
    async until(pattern: RegExp): Promise<void> {
      while (!pattern.test(output.text)) {
        assert.ok(child.exitCode === null && child.signalCode === null, `it ended: ${output.text}`)
        const { promise, resolve: wake } = Promise.withResolvers<void>()
        waiting.add(wake)
        await promise
        waiting.delete(wake)
      }
    },
    async stop(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

const controlPlane = (databaseUrl: string, environment: NodeJS.ProcessEnv = {}, port = 0) =>
  launch(['control-plane', '-databaseURL', databaseUrl, '-consolePort', `${port}`, '-bindAddress', '127.0.0.1'], {
    PENSTOCK_SEALING_KEY: sealingKey,
    ...environment,
  })

/** Makes a Node program see a clock that is an hour ahead. */
const anHourAhead = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`
    const Real = Date
    globalThis.Date = class extends Real {
      constructor(...values) { values.length === 0 ? super(Real.now() + 3_600_000) : super(...values) }
      static now() { return Real.now() + 3_600_000 }
    }`)}`,
}

// A server that listens on a port has an address with a port.
const portOf = (server: TcpServer) => (server.address() as AddressInfo).port

/** Forwards links to a control plane as if the agent were of another version. */
async function startOtherVersion(address: string): Promise<Server> {
  const proxy = createServer().on('upgrade', (request, socket, head) => {
    const headers = { ...request.headers, 'penstock-link-protocol': '99' }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`)
    const target = connect(Number(new URL(address).port), '127.0.0.1')
    target.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    target.write(head)
    target.pipe(socket).pipe(target)
    for (const one of [target, socket]) one.on('error', () => one.destroy())
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  return proxy
}

/** The beginning of a PostgreSQL server with TLS, whose certificate is of an unknown authority. */
async function startSecurePostgres(): Promise<TcpServer> {
  const identity = await (await makeAuthority()).issue('localhost')
  const server = createTcpServer(socket => {
    socket.once('data', () => {
      socket.write('S') // accepts TLS
      new TLSSocket(socket, { isServer: true, ...identity }).on('error', () => socket.destroy())
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

let cluster: LocalCluster
before(async () => {
  cluster = await startLocalCluster({
    agents: 0,
    controlPlanes: 1,
    database: 'sqlite',
    store: 'file',
    auth: 'none',
    program: [program],
  })
})
after(() => cluster.close())

const s3Keys = { accessKeyId: 'key', secretAccessKey: 'secret' }
const bucketUrl = (endpoint: string, bucket = 'data') =>
  `s3://${bucket}?region=us-east-1&endpoint=${encodeURIComponent(endpoint)}&forcePathStyle=true`

/** An agent of the cluster, with some flags replaced. */
function agent(flags: Readonly<Record<string, string>>, environment: NodeJS.ProcessEnv = {}) {
  const right = {
    ...{ processes: '1', bindAddress: '127.0.0.1', kafkaPort: '0', httpPort: '0' },
    bucketURL: cluster.bucketUrl,
    agentKey: cluster.agentKey,
    defaultVirtualClusterID: cluster.virtualClusterId,
    metadataURL: cluster.controlPlanes[0]!.address,
  }
  const args = Object.entries({ ...right, ...flags }).map(([name, value]) => `-${name}=${value}`)
  const keys = { AWS_ACCESS_KEY_ID: s3Keys.accessKeyId, AWS_SECRET_ACCESS_KEY: s3Keys.secretAccessKey }
  return launch(['agent', ...args], { ...keys, ...environment })
}

test('a control plane that starts while its database is down waits for it', { skip: !hasPostgres() }, async t => {
  const postgres = await startPostgresServer()
  t.after(() => postgres.close())
  await postgres.crash()
  const plane = controlPlane(postgres.url)
  t.after(() => plane.stop())
  await plane.until(/the database cannot be used yet/)
  await postgres.start()
  await plane.until(/control-plane is ready/)
})

test('a control plane whose last start-up step fails starts over', { skip: !hasPostgres() }, async t => {
  const postgres = await startPostgresServer()
  t.after(() => postgres.close())
  const first = controlPlane(postgres.url)
  await first.until(/control-plane is ready/)
  await first.stop()
  const database = await openPostgres({ url: postgres.url, schema: 'penstock' })
  t.after(() => database.close())
  const plane = controlPlane(postgres.url, {}, await freePort())
  t.after(() => plane.stop())
  await database.transaction({ kind: 'write' }, async sql => {
    // It accepts clients before it writes its address into this table.
    await sql.run('LOCK TABLE control_planes IN ACCESS EXCLUSIVE MODE')
    await plane.until(/the database cannot be used yet/)
  })
  await plane.until(/control-plane is ready/)
})

test('an agent that starts while its bucket fails waits for it', async t => {
  let fails = true
  const server = await startS3Server({
    ...{ bucket: 'data', ...s3Keys },
    fault: () => (fails ? { status: 503 } : undefined),
  })
  t.after(() => server.close())
  const started = agent({ bucketURL: bucketUrl(server.endpoint) })
  t.after(() => started.stop())
  await started.until(/the bucket cannot be used yet/)
  fails = false
  await started.until(/agent is ready/)
})

/** Expects that it exits with 1 and prints one line that matches. */
async function refused(started: ReturnType<typeof launch>, expected: RegExp): Promise<void> {
  assert.equal(await started.ended, 1, started.output.text)
  assert.match(started.output.text, expected)
  assert.doesNotMatch(started.output.text, /\n\s+at /, 'no stack')
}

test('an agent names the flag that is wrong', async t => {
  const server = await startS3Server({ bucket: 'data', ...s3Keys })
  t.after(() => server.close())
  const denying = await startS3Server({
    ...{ bucket: 'data', ...s3Keys },
    fault: ({ method }) => (method === 'PUT' ? { status: 403, code: 'AccessDenied' } : undefined),
  })
  t.after(() => denying.close())
  const other = await startLocalCluster({
    ...{ agents: 1, controlPlanes: 1, database: 'sqlite', store: 'file', auth: 'none' },
    program: [program],
  })
  t.after(() => other.close())
  const stranger = createServer((_, response) => response.writeHead(404).end())
  await once(stranger.listen(0, '127.0.0.1'), 'listening')
  t.after(() => stranger.close())
  const folder = mkdtempSync(join(tmpdir(), 'penstock-starts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const authority = await makeAuthority()
  const right = await authority.issue('localhost')
  const old = await authority.issue('localhost', expired())
  const tls = {
    kafkaTLS: 'true',
    tlsServerCertFile: file('right.pem', right.cert),
    tlsServerPrivateKeyFile: file('right.key', right.key),
  }
  // The agent serves its own cluster, and does not touch the other cluster's part of the bucket.
  const cases: Record<
    string,
    readonly [flags: Readonly<Record<string, string>>, expected: RegExp, environment?: NodeJS.ProcessEnv]
  > = {
    'an unknown key': [{ agentKey: 'aks_unknown' }, /-agentKey: the agent key is not known/],
    'the key of an application': [
      { agentKey: cluster.apiKey },
      /-agentKey: the key is not an agent key of the virtual/,
    ],
    'an unknown cluster': [{ defaultVirtualClusterID: 'vci_unknown' }, /-defaultVirtualClusterID: there is no virtual/],
    'a bucket that is not there': [{ bucketURL: bucketUrl(server.endpoint, 'none') }, /-bucketURL: .*NoSuchBucket/],
    'a bucket in the memory of one process': [
      { bucketURL: 'mem://bucket', processes: '2' },
      /-bucketURL: mem:\/\/ is the memory of one process, so it needs -processes 1/,
    ],
    'a folder that the system refuses': [
      { bucketURL: 'file:///proc/bucket' },
      /-bucketURL: the system refuses the folder \/proc\/bucket/,
    ],
    'a wrong secret key': [
      { bucketURL: bucketUrl(server.endpoint) },
      /-bucketURL: .*SignatureDoesNotMatch.*the secret key is wrong/,
      { AWS_SECRET_ACCESS_KEY: 'wrong' },
    ],
    'a bucket without the right to write': [
      { bucketURL: bucketUrl(denying.endpoint) },
      /-bucketURL: .*AccessDenied.*s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject are needed/,
    ],
    'a clock that is an hour off': [
      { bucketURL: bucketUrl(server.endpoint) },
      /-bucketURL: .*RequestTimeTooSkewed.*this machine's clock is off/,
      anHourAhead,
    ],
    'a server that is not a control plane': [
      { metadataURL: `http://127.0.0.1:${portOf(stranger)}` },
      /-metadataURL: the server there is not a control plane \(HTTP 404\)/,
    ],
    'a role that does not exist': [{ roles: 'prxy' }, /-roles: there is no role "prxy"/],
    'a file that is not a certificate': [
      { kafkaTLS: 'true', tlsServerCertFile: import.meta.filename, tlsServerPrivateKeyFile: import.meta.filename },
      /-tlsServerCertFile: .* has no certificate in PEM/,
    ],
    'a certificate that has expired': [
      { ...tls, tlsServerCertFile: file('old.pem', old.cert), tlsServerPrivateKeyFile: file('old.key', old.key) },
      /-tlsServerCertFile: the certificate in .*old\.pem expired at \d{4}-/,
    ],
    'the key of another certificate': [
      { ...tls, tlsServerPrivateKeyFile: file('other.key', (await authority.issue('localhost')).key) },
      /-tlsServerPrivateKeyFile: the key in .*other\.key is not that of the certificate in .*right\.pem/,
    ],
    'an authority of clients that has expired': [
      {
        ...tls,
        requireMTLSAuthentication: 'true',
        tlsClientCACertFile: file('ca.pem', (await makeAuthority(expired())).ca),
      },
      /-tlsClientCACertFile: the certificate in .*ca\.pem expired at \d{4}-/,
    ],
    'a missing certificate': [
      { kafkaTLS: 'true', tlsServerCertFile: '/none.pem', tlsServerPrivateKeyFile: '/none.key' },
      /-tlsServerCertFile: cannot read \/none\.pem \(ENOENT\)/,
    ],
  }
  for (const [name, [flags, expected, environment]] of Object.entries(cases))
    await t.test(name, () => refused(agent(flags, environment), expected))

  await t.test('the bucket of another control plane', async () => {
    const path = fileURLToPath(other.bucketUrl)
    // Both clusters have the same id, as after restoring a database.
    renameSync(join(path, 'warpstream', other.virtualClusterId), join(path, 'warpstream', cluster.virtualClusterId))
    await refused(
      agent({ bucketURL: other.bucketUrl }),
      /-bucketURL: the bucket .* belongs to the cluster .* of another/,
    )
  })

  await t.test('a control plane of another version', async () => {
    const proxy = await startOtherVersion(cluster.controlPlanes[0]!.address)
    t.after(() => proxy.close())
    const expected = /-metadataURL: incompatible versions: the control plane is version \S+, the agent \S+/
    await refused(agent({ metadataURL: `http://127.0.0.1:${portOf(proxy)}` }), expected)
  })

  await t.test('a control plane whose certificate is of an unknown authority', async () => {
    const secure = createSecureServer(right).listen(0, '127.0.0.1')
    await once(secure, 'listening')
    t.after(() => secure.close())
    const started = agent({ metadataURL: `https://localhost:${portOf(secure)}` })
    await refused(
      started,
      /-metadataURL: tls: failed to verify certificate: .*unknown authority \(NODE_EXTRA_CA_CERTS=/,
    )
    assert.doesNotMatch(started.output.text, /cannot be reached yet/)
  })

  await t.test('a Kafka port in use by another agent', async () => {
    const [running] = other.agents
    const port = running!.address.split(':').at(-1)!
    await refused(agent({ kafkaPort: port }), new RegExp(`port ${port} is taken: .*-kafkaPort`))
  })
})

test('a control plane names the flag that is wrong', { skip: !hasPostgres() }, async t => {
  const postgres = await startPostgresServer()
  t.after(() => postgres.close())
  const first = controlPlane(postgres.url)
  await first.until(/control-plane is ready/)
  await first.stop()
  const missing = postgres.url.replace(/\/postgres$/, '/none')
  await refused(controlPlane(missing), /-databaseURL: .*database "none" does not exist/)
  await refused(controlPlane('mysql://localhost/x'), /-databaseURL has to be postgres:\/\//)
  await refused(controlPlane(`sqlite:${import.meta.filename}`), /-databaseURL: .*file is not a database/)
  const database = await openPostgres({ url: postgres.url })
  await database.transaction({ kind: 'write' }, sql => sql.run('CREATE USER weak'))
  await database.close()
  const asWeak = postgres.url.replace('postgres@', 'weak@')
  await refused(controlPlane(asWeak), /-databaseURL: the user has no right to use the schema penstock/)
  await refused(controlPlane(asWeak.replace('weak@', 'nobody@')), /-databaseURL: .*role "nobody" does not exist/)
  const secure = await startSecurePostgres()
  t.after(() => secure.close())
  const url = `postgres://postgres@localhost:${portOf(secure)}/postgres?sslmode=verify-full`
  await refused(controlPlane(url), /-databaseURL: .*failed to verify certificate: .* \(\?sslrootcert=FILE/)
  const otherKey = { PENSTOCK_SEALING_KEY: '1'.repeat(64) }
  await refused(controlPlane(postgres.url, otherKey), /-sealingKey does not belong to this database/)
})

test('an agent whose clock is an hour ahead uses the time of the cluster', async t => {
  const started = agent({}, anHourAhead)
  t.after(() => started.stop())
  await started.until(/agent is ready/)
  assert.match(
    started.output.text,
    /the clock of this machine is 36\d\d s ahead of that of the control plane, which is used/,
  )
  const [, address] = /Kafka\s+(\S+)/.exec(started.output.text)!
  const kafka = new Kafka({ brokers: [address!], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]
  await admin.createTopics({ topics: [{ topic: 'times', numPartitions: 1, configEntries }] })
  const producer = kafka.producer()
  await producer.connect()
  const before = Date.now()
  await producer.send({ topic: 'times', messages: [{ value: 'x' }] })
  // The first record at this time or later.
  const [found] = await admin.fetchTopicOffsetsByTimestamp('times', before + 1_800_000)
  const [kept] = await admin.fetchTopicOffsetsByTimestamp('times', before - 60_000)
  await producer.disconnect()
  await admin.disconnect()
  assert.deepEqual([found?.offset, kept?.offset], ['1', '0'])
})
