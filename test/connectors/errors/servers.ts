// Servers that reject connections: with passwords, with TLS from an untrusted authority, and without the requested
// objects.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, resolve } from 'node:path'
import { auth, Client } from 'cassandra-driver'
import pg from 'pg'
import { makeAuthority } from '../../servers/certificates.ts'
import { freePort, freePorts, listen } from '../../servers/ports.ts'
import { startPostgresServer } from '../../servers/postgres-server.ts'
import { ServerProcess } from '../../servers/server-process.ts'
import aws from '../aws.family.ts'
import azure from '../azure.family.ts'
import cassandra, { connected } from '../cassandra.family.ts'
import type { FamilyTools } from '../family.ts'
import gcp from '../gcp.family.ts'
import mongodb from '../mongodb.family.ts'
import nats from '../nats.family.ts'
import { startRabbitMq } from '../rabbitmq.ts'
import redis from '../redis.family.ts'
import sftp from '../sftp.family.ts'
import { startMariadb } from '../sql.family.ts'

export type Environment = Readonly<Record<string, string>>

/** Starts the servers of a family; returns their additions to the environment, and how to stop them. */
export type Start = (
  tools: FamilyTools,
) => Promise<{ readonly environment: Environment; readonly close: () => Promise<void> }>

const tools = (folder: string): FamilyTools => ({
  folder,
  npmBin: program => resolve('.tmp/connectors/npm/node_modules/.bin', program),
  pythonBin: program => resolve('.tmp/connectors/python/bin', program),
})

/** Starts the servers of these families in separate folders. */
export async function startServers(families: readonly string[], folder: string) {
  const environment: Record<string, string> = {}
  const ends: (() => Promise<void>)[] = []
  const close = async () => {
    for (const end of ends.toReversed()) await end()
  }
  try {
    for (const family of families) {
      const own = join(folder, family)
      mkdirSync(own)
      const running = await starts[family]!(tools(own))
      ends.push(running.close)
      Object.assign(environment, running.environment)
    }
  } catch (error) {
    await close()
    throw error
  }
  return { environment, close }
}

const starts: Readonly<Record<string, Start>> = {
  redis: redis.start,
  nats: nats.start,
  aws: aws.start,
  azure: azure.start,
  mongodb: mongodb.start,
  sftp: sftp.start,
  async gcp(own) {
    const running = await gcp.start(own)
    const refusing = await Promise.all([401, 403].map(startRefusingGoogle))
    return {
      environment: {
        ...running.environment,
        GCP_UNAUTHORIZED: String(refusing[0]!.port),
        GCP_FORBIDDEN: String(refusing[1]!.port),
      },
      async close() {
        for (const { close } of refusing) close()
        await running.close()
      },
    }
  },
  async cassandra(own) {
    const running = await cassandra.start(own)
    const client = new Client({
      contactPoints: [running.environment['PENSTOCK_TEST_CASSANDRA']!],
      localDataCenter: 'datacenter1',
      authProvider: new auth.PlainTextAuthProvider('cassandra', 'cassandra'),
      socketOptions: { readTimeout: 60_000 },
    })
    const statements = [
      "CREATE KEYSPACE errors WITH replication = {'class':'SimpleStrategy','replication_factor':1}",
      'CREATE TABLE errors.words (id text PRIMARY KEY, count int)',
      "CREATE ROLE reader WITH PASSWORD = 'sesame' AND LOGIN = true",
    ]
    await connected(client)
    for (const statement of statements) await client.execute(statement)
    await client.shutdown()
    return running
  },
  async amqp({ folder }) {
    const { port, tlsPort, close } = await startRabbitMq(folder, ['rabbitmq_amqp1_0'])
    return { environment: { AMQP: String(port), AMQP_TLS: String(tlsPort) }, close }
  },
  async mqtt({ folder }) {
    const [port, tlsPort] = await freePorts(2)
    const file = (name: string) => join(folder, name)
    const { cert, key } = await (await makeAuthority()).issue('localhost')
    writeFileSync(file('cert.pem'), cert)
    writeFileSync(file('key.pem'), key)
    writeFileSync(file('acl'), 'user reader\ntopic readwrite open/#\n')
    spawnSync('mosquitto_passwd', ['-b', '-c', file('passwords'), 'reader', 'sesame'])
    const lines = [
      'user root',
      `listener ${port} 127.0.0.1`,
      `listener ${tlsPort} 127.0.0.1`,
      `certfile ${file('cert.pem')}`,
      `keyfile ${file('key.pem')}`,
      'allow_anonymous false',
      `password_file ${file('passwords')}`,
      `acl_file ${file('acl')}`,
      'message_size_limit 1000',
    ]
    writeFileSync(file('mosquitto.conf'), lines.join('\n'))
    const args = ['-c', file('mosquitto.conf')]
    const server = await ServerProcess.start({ program: '/usr/sbin/mosquitto', args, ports: [port, tlsPort] })
    return { environment: { MQTT: String(port), MQTT_TLS: String(tlsPort) }, close: () => server.stop() }
  },
  async postgres() {
    const server = await startPostgresServer()
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    await client.query("CREATE ROLE reader LOGIN PASSWORD 'sesame'")
    await client.query('CREATE TABLE closed (id INT PRIMARY KEY, word VARCHAR(5))')
    const { rows } = await client.query<{ readonly hba_file: string }>('SHOW hba_file')
    writeFileSync(
      rows[0]!.hba_file,
      ['host all reader 127.0.0.1/32 scram-sha-256', 'host all all 127.0.0.1/32 trust', ''].join('\n'),
    )
    await client.query('SELECT pg_reload_conf()')
    await client.end()
    return { environment: { POSTGRES: String(server.port) }, close: () => server.close() }
  },
  async mysql({ folder }) {
    const port = await freePort()
    const server = await startMariadb(folder, 'errors', port, ['--skip-grant-tables=0'])
    const statements = [
      'CREATE DATABASE IF NOT EXISTS shop',
      'CREATE TABLE shop.closed (id INT PRIMARY KEY, word VARCHAR(5))',
      // Those who sign in from this machine would be nobody otherwise.
      "DROP USER IF EXISTS ''@'localhost'",
      "CREATE USER reader@'%' IDENTIFIED BY 'sesame'",
      'GRANT USAGE ON *.* TO reader',
    ]
    const args = ['--no-defaults', '-h127.0.0.1', `-P${port}`, '-uroot', '-e', statements.join('; ')]
    const { status, stderr } = spawnSync('mariadb', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`MariaDB was not prepared: ${stderr}`)
    return { environment: { MYSQL: String(port) }, close: () => server.stop() }
  },
  sqlite: () => Promise.resolve({ environment: {}, close: () => Promise.resolve() }),
  async kafka({ folder }) {
    const port = await freePort()
    const server = await ServerProcess.start({
      program: resolve('bin/penstock'),
      args: ['standalone', '-dataDir', folder, `-kafkaPort=${port}`, '-httpPort=0', '-pipelinesPort=0'].concat(
        '-consolePort=0',
      ),
      ports: [port],
    })
    return { environment: { KAFKA: String(port) }, close: () => server.stop() }
  },
  async memcached() {
    const port = await freePort()
    const args = ['-l', '127.0.0.1', '-p', String(port), '-U', '0', '-u', 'nobody']
    const server = await ServerProcess.start({ program: 'memcached', args, ports: [port] })
    return { environment: { MEMCACHED: String(port) }, close: () => server.stop() }
  },
  /** Responds to `/STATUS/…` with that status, and closes the connection for `/hangup`. */
  async http() {
    const server = createServer((request, response) => {
      request.resume()
      if (request.url?.startsWith('/hangup') === true) return void request.socket.destroy()
      const status = Number(/^\/(\d{3})/.exec(request.url ?? '')?.[1] ?? 200)
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: { type: 'refused', reason: `status ${status}` } }))
    })
    const port = await listen(server)
    return {
      environment: { HTTP: String(port) },
      close: () => {
        server.closeAllConnections()
        server.close()
        return Promise.resolve()
      },
    }
  },
}

/** A server of Google Cloud that answers every request with a status. */
async function startRefusingGoogle(code: number) {
  const server = createServer((request, response) => {
    request.resume()
    const message = `refused with ${code}`
    response.writeHead(code, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: { code, message, errors: [{ message, reason: 'refused' }] } }))
  })
  const port = await listen(server)
  return {
    port,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
