// A whole cluster on this machine: a database, a store, and control planes and agents in separate processes.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { makeAuthority } from './certificates.ts'
import { startPostgresServer } from './postgres-server.ts'
import { type S3ServerOptions, startS3Server } from './s3-server.ts'
import { freePort } from './ports.ts'

const startTimeoutMs = 90_000
const stopTimeoutMs = 30_000

export interface LocalClusterOptions {
  readonly agents: number
  readonly controlPlanes: number
  readonly database: 'postgres' | 'sqlite'
  /** Whether PostgreSQL waits for the disk; by default it does not. */
  readonly durable?: boolean
  readonly store: 's3' | 'file'
  /** Whether Kafka clients authenticate by SCRAM over TLS. */
  readonly auth: 'none' | 'scram-tls'
  /** The command line of the program: the executable and its first arguments. */
  readonly program: readonly [string, ...string[]]
  /** Flags of every agent, before its own. */
  readonly agentFlags?: readonly string[]
  /** The address at which agents reach a control plane; by default its own. */
  readonly between?: (address: string) => Promise<string>
  /** The faults of requests to the S3 server. */
  readonly fault?: S3ServerOptions['fault']
}

/** One process of a cluster. */
export interface Member {
  readonly pid: number
  /** A control plane's `http://host:port`, or the address of an agent for Kafka clients. */
  readonly address: string
  readonly process: ChildProcess
  /** Its standard output up to the point where it was ready. */
  readonly welcome: string
  /** Ends it with a signal and waits until it has exited. */
  end(signal: NodeJS.Signals): Promise<void>
}

export interface LocalCluster {
  readonly agents: readonly Member[]
  readonly controlPlanes: readonly Member[]
  readonly databaseUrl: string
  readonly bucketUrl: string
  /** The environment variables with the keys of the bucket. */
  readonly bucketEnvironment: NodeJS.ProcessEnv
  readonly apiKey: string
  readonly agentKey: string
  readonly virtualClusterId: string
  /** The credentials of Kafka clients; absent if none are needed. */
  readonly login: { readonly username: string; readonly password: string; readonly caFile: string } | undefined
  /** Contains the log files of all processes. */
  readonly folder: string
  addAgent(flags?: readonly string[]): Promise<Member>
  /** Restarts a control plane at its previous address. */
  restartControlPlane(index: number): Promise<Member>
  /** Ends the database as if by a power failure, and restarts it; PostgreSQL only. */
  restartDatabase(): Promise<void>
  close(): Promise<void>
}

/** Starts everything. If that fails, what was started before is stopped. */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const closers: (() => Promise<void> | void)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).toReversed()) await closer()
  }
  try {
    return await start(options, closers, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function start(
  options: LocalClusterOptions,
  closers: (() => Promise<void> | void)[],
  close: () => Promise<void>,
): Promise<LocalCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-cluster-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  const postgres =
    options.database === 'postgres' ? await startPostgresServer({ durable: options.durable === true }) : undefined
  if (postgres) closers.push(() => postgres.close())
  const databaseUrl = postgres?.url ?? `sqlite:${join(folder, 'control-plane.db')}`
  const bucket = await openBucket(options, folder, closers)
  const secret = (prefix: string) => `${prefix}_${randomBytes(32).toString('hex')}`
  const keys = {
    sealing: randomBytes(32).toString('hex'),
    api: secret('aks'),
    agent: secret('aks'),
    virtualClusterId: `vci_${randomBytes(16).toString('hex')}`,
  }
  let count = 0
  const launch = (name: string, args: readonly string[], environment: NodeJS.ProcessEnv, address: RegExp) =>
    startMember(options.program, args, environment, join(folder, `${name}-${++count}.log`), address)

  const ports = await Promise.all(Array.from({ length: options.controlPlanes }, freePort))
  const startControlPlane = (port: number) =>
    launch(
      'control-plane',
      ['control-plane', '-databaseURL', databaseUrl, '-consolePort', `${port}`, '-logLevel', 'info'],
      {
        PENSTOCK_SEALING_KEY: keys.sealing,
        PENSTOCK_BOOTSTRAP_KEY: keys.api,
        PENSTOCK_BOOTSTRAP_AGENT_KEY: keys.agent,
        PENSTOCK_BOOTSTRAP_VIRTUAL_CLUSTER_ID: keys.virtualClusterId,
      },
      /API_URL=(\S+)\/api\/v1/,
    )
  const controlPlanes: Member[] = []
  closers.push(() => endAll(controlPlanes))
  for (const member of await Promise.allSettled(ports.map(startControlPlane)))
    if (member.status === 'fulfilled') controlPlanes.push(member.value)
    else throw member.reason

  const security = options.auth === 'none' ? undefined : await secure(folder, controlPlanes[0]!.address, keys)
  const { between = async (address: string) => address } = options
  const planeUrls = await Promise.all(controlPlanes.map(({ address }) => between(address)))
  const agents: Member[] = []
  closers.push(() => endAll(agents))
  const addAgent = async (flags: readonly string[] = []) => {
    const ports = ['-kafkaPort', '0', '-httpPort', '0', '-pipelinesPort', '0', '-bindAddress', '127.0.0.1']
    const times = ['-groupInitialRebalanceDelayMs', '0', '-gracefulShutdownDuration', '15s', '-batchTimeout', '5ms']
    const all = [...ports, ...times, '-enableManagedPipelines', '-logLevel', 'info']
    const member = await launch(
      'agent',
      ['agent', '-processes', '1', ...all, ...(security?.flags ?? []), ...(options.agentFlags ?? []), ...flags],
      {
        ...bucket.environment,
        WARPSTREAM_BUCKET_URL: bucket.url,
        WARPSTREAM_AGENT_KEY: keys.agent,
        WARPSTREAM_DEFAULT_VIRTUAL_CLUSTER_ID: keys.virtualClusterId,
        WARPSTREAM_METADATA_URL: rotated(planeUrls, agents.length).join(','),
      },
      /Kafka\s+(\S+)/,
    )
    agents.push(member)
    return member
  }
  for (const started of await Promise.allSettled(Array.from({ length: options.agents }, () => addAgent())))
    if (started.status === 'rejected') throw started.reason

  return {
    agents,
    controlPlanes,
    databaseUrl,
    bucketUrl: bucket.url,
    bucketEnvironment: bucket.environment,
    apiKey: keys.api,
    agentKey: keys.agent,
    virtualClusterId: keys.virtualClusterId,
    login: security?.login,
    folder,
    addAgent,
    async restartControlPlane(index) {
      controlPlanes[index] = await startControlPlane(ports[index]!)
      return controlPlanes[index]
    },
    async restartDatabase() {
      if (postgres === undefined) throw new Error('SQLite has no server to restart')
      await postgres.crash()
      await postgres.start()
    },
    close,
  }
}

async function openBucket(
  { store, fault }: LocalClusterOptions,
  folder: string,
  closers: (() => Promise<void> | void)[],
): Promise<{ readonly url: string; readonly environment: NodeJS.ProcessEnv }> {
  if (store === 'file') {
    const path = join(folder, 'bucket')
    mkdirSync(path)
    return { url: pathToFileURL(path).href, environment: {} }
  }
  const keys = { accessKeyId: 'cluster', secretAccessKey: randomBytes(16).toString('hex') }
  const server = await startS3Server({ bucket: 'cluster', ...keys, ...(fault && { fault }) })
  closers.push(() => server.close())
  return {
    url: `s3://cluster?region=us-east-1&endpoint=${encodeURIComponent(server.endpoint)}&forcePathStyle=true`,
    environment: { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey },
  }
}

/** Every agent starts with a different control plane. */
function rotated<Item>(items: readonly Item[], by: number): Item[] {
  return items.map((_, index) => items[(index + by) % items.length]!)
}

/** Certificates for the agents, and a user for clients. */
async function secure(
  folder: string,
  apiAddress: string,
  keys: { readonly api: string; readonly virtualClusterId: string },
) {
  const authority = await makeAuthority()
  const issued = await authority.issue('localhost')
  const [caFile, certFile, keyFile] = ['ca.pem', 'agent.pem', 'agent.key'].map(name => join(folder, name))
  writeFileSync(caFile!, authority.ca)
  writeFileSync(certFile!, issued.cert)
  writeFileSync(keyFile!, issued.key)
  const response = await fetch(`${apiAddress}/api/v1/create_virtual_cluster_credentials`, {
    method: 'POST',
    headers: { 'warpstream-api-key': keys.api, 'content-type': 'application/json' },
    body: JSON.stringify({
      virtual_cluster_id: keys.virtualClusterId,
      credentials_name: 'cluster',
      is_cluster_superuser: true,
    }),
  })
  const answer = await response.text()
  if (!response.ok) throw new Error(`no credentials were created: ${answer}`)
  const { username, password }: { readonly username: string; readonly password: string } = JSON.parse(answer)
  return {
    login: { username, password, caFile: caFile! },
    flags: [
      '-requireSASLAuthentication',
      '-kafkaTLS',
      ...['-tlsServerCertFile', certFile!],
      ...['-tlsServerPrivateKeyFile', keyFile!],
    ],
  }
}

/** Resolves once the process reports that it is ready; rejects with its output if it exits before. */
async function startMember(
  [program, ...first]: LocalClusterOptions['program'],
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  logFile: string,
  address: RegExp,
): Promise<Member> {
  const child = spawn(program, [...first, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = createWriteStream(logFile)
  child.stderr.pipe(log)
  const exited = once(child, 'exit')
  let welcome = ''
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)))
  const ready = new Promise<void>(resolve => {
    child.stdout.on('data', (chunk: Buffer) => {
      welcome += chunk.toString()
      if (welcome.includes('Press Ctrl-C')) resolve()
    })
  })
  const timeout = AbortSignal.timeout(startTimeoutMs)
  await Promise.race([ready, exited, once(timeout, 'abort')])
  const found = address.exec(welcome)?.[1]
  if (found === undefined) {
    child.kill('SIGKILL')
    throw new Error(`${args[0]} did not get ready: ${errors || welcome}`)
  }
  return {
    pid: child.pid!, // it has started
    address: found,
    process: child,
    welcome,
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await exited
    },
  }
}

async function endAll(members: readonly Member[]): Promise<void> {
  await Promise.all(
    members.map(async member => {
      member.process.kill('SIGCONT') // a stopped process would not exit
      const kill = setTimeout(() => member.process.kill('SIGKILL'), stopTimeoutMs)
      await member.end('SIGTERM')
      clearTimeout(kill)
    }),
  )
}
