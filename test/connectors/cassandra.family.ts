import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'cassandra-driver'
import { freePort } from '../servers/ports.ts'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'

const VERSION = '5.0.5'
/** Cassandra does not run on newer versions of Java. */
const JAVA = '/usr/lib/jvm/java-17-openjdk-amd64/bin'
const PASSWORD = 'penstock'

const cassandra: Family = {
  summary: 'Apache Cassandra, one node with passwords, and TLS for those who want it',
  folders: ['src/components/cassandra'],
  // Maven downloads 70 MB, and the server takes half a minute to start.
  slow: true,
  debian: { [`${JAVA}/java`]: 'openjdk-17-jre-headless', mvn: 'maven' },
  async start({ folder }) {
    const port = await freePort()
    const command = await cassandraCommand(port, folder)
    const server = await ServerProcess.start({ ...command, ports: [port] })
    return {
      environment: { PENSTOCK_TEST_CASSANDRA: `127.0.0.1:${port}`, PENSTOCK_TEST_CASSANDRA_CA: certificateIn(folder) },
      close: () => server.stop(),
    }
  },
}

/** The command that starts a server with its data in a folder. */
export async function cassandraCommand(port: number, folder: string) {
  const libraries = install()
  makeCertificate(join(folder, 'node.p12'), certificateIn(folder))
  writeFileSync(join(folder, 'cassandra.yaml'), settings(folder, port, await freePort()))
  return {
    program: `${JAVA}/java`,
    args: [
      '-Xmx700m',
      '-XX:+UseSerialGC',
      ...exports.flatMap(name => ['--add-exports', `${name}=ALL-UNNAMED`]),
      ...opens.flatMap(name => ['--add-opens', `${name}=ALL-UNNAMED`]),
      '-Djdk.attach.allowAttachSelf=true',
      `-Dcassandra.config=file://${folder}/cassandra.yaml`,
      `-Dcassandra.storagedir=${folder}`,
      '-Dcassandra-foreground=yes',
      '-Dcassandra.ring_delay_ms=1',
      '-Dcassandra.skip_wait_for_gossip_to_settle=0',
      '-Dcassandra.superuser_setup_delay_ms=0',
      '-cp',
      `${libraries}/*`,
      'org.apache.cassandra.service.CassandraDaemon',
    ],
    startTimeoutMs: 180_000,
  }
}

/** The certificate for clients to trust. */
const certificateIn = (folder: string) => join(folder, 'node.pem')

export default cassandra

/** Connects a client once the server has created its first user, a while after it accepts connections. */
export async function connected(client: Client): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.connect()
      return
    } catch (error) {
      if (attempt === 60) throw error
      await sleep(1000)
    }
  }
}

function settings(folder: string, port: number, storagePort: number): string {
  return JSON.stringify({
    cluster_name: 'test',
    num_tokens: 1,
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    data_file_directories: [join(folder, 'data')],
    commitlog_directory: join(folder, 'commitlog'),
    saved_caches_directory: join(folder, 'caches'),
    hints_directory: join(folder, 'hints'),
    cdc_raw_directory: join(folder, 'cdc'),
    commitlog_sync: 'periodic',
    commitlog_sync_period: '10000ms',
    endpoint_snitch: 'SimpleSnitch',
    listen_address: '127.0.0.1',
    rpc_address: '127.0.0.1',
    native_transport_port: port,
    storage_port: storagePort,
    authenticator: 'PasswordAuthenticator',
    authorizer: 'CassandraAuthorizer',
    auto_snapshot: false,
    client_encryption_options: {
      enabled: true,
      optional: true,
      keystore: join(folder, 'node.p12'),
      keystore_password: PASSWORD,
      store_type: 'PKCS12',
    },
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: `127.0.0.1:${storagePort}` }],
      },
    ],
  })
}

/** Creates a key with a certificate for this machine, and the certificate for clients to trust. */
function makeCertificate(keystore: string, certificate: string): void {
  const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', PASSWORD, '-alias', 'node']
  run(`${JAVA}/keytool`, [
    ...['-genkeypair', '-keyalg', 'RSA', '-dname', 'CN=node', '-ext', 'SAN=DNS:localhost', ...store],
  ])
  run(`${JAVA}/keytool`, ['-exportcert', '-rfc', '-file', certificate, ...store])
}

/** The folder with the server's libraries, fetched by Maven if they are not there yet. */
function install(): string {
  const home = resolve('.tmp/connectors/cassandra')
  const libraries = join(home, `lib-${VERSION}`)
  if (existsSync(libraries)) return libraries
  mkdirSync(home, { recursive: true })
  const project = `<project><modelVersion>4.0.0</modelVersion>
    <groupId>test</groupId><artifactId>cassandra</artifactId><version>1</version>
    <dependencies><dependency>
      <groupId>org.apache.cassandra</groupId><artifactId>cassandra-all</artifactId><version>${VERSION}</version>
    </dependency></dependencies></project>`
  writeFileSync(join(home, 'pom.xml'), project)
  run('mvn', [
    '-q',
    '-B',
    '-f',
    join(home, 'pom.xml'),
    'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${libraries}`,
  ])
  return libraries
}

function run(program: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stdout}${stderr}`)
}

// The Java internals that Cassandra accesses.
const exports = [
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.ref',
  'java.base/sun.nio.ch',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.rmi/sun.rmi.transport.tcp',
  'java.sql/java.sql',
]
const opens = [
  'java.base/java.io',
  'java.base/java.lang',
  'java.base/java.lang.module',
  'java.base/java.lang.reflect',
  'java.base/java.net',
  'java.base/java.nio',
  'java.base/java.util',
  'java.base/java.util.concurrent',
  'java.base/java.util.concurrent.atomic',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.util.jar',
  'java.base/sun.nio.ch',
  'jdk.management/com.sun.management.internal',
]
