// A control plane with many agents and pipelines: how long from "run" to running, and what it costs while nothing
// changes. Starts a control plane on PostgreSQL (SQLite if there is none), AGENTS (100) simulated agents on the real
// link and PIPELINES (1000) pipelines with one instance each; switches on SAMPLES (100) more, one by one, then measures
// the idle state for SECONDS (20). Needs the built program: npm run build.  On two cores with another load of 20, in
// two runs: all run after 10 and 21 s (61 and 73 s when each agent that joined was reconciled separately), p50 184 and
// 217 ms (374 and 407), p99 1.6 and 1.9 s from "run" to running; idle 7 to 8 % of a core, 257 MB, 109 to 129
// transactions per second.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { nullLog, systemClock, systemRandom } from '../../src/base/index.ts'
import {
  AgentConnection,
  type AgentHello,
  type AgentReport,
  ControlPlane,
  type InstanceReport,
} from '../../src/control/index.ts'
import { defaultSettings } from '../../src/control/configuration/settings.ts'
import * as store from '../../src/control/store/store.ts'
import { type Database, openPostgres, openSqlite } from '../../src/database/index.ts'
import { Api, program } from '../../test/e2e/support.ts'
import { hasPostgres, startPostgresServer } from '../../test/servers/postgres-server.ts'

const agents = Number(process.env['AGENTS'] ?? 100)
const pipelines = Number(process.env['PIPELINES'] ?? 1000)
const samples = Number(process.env['SAMPLES'] ?? 100)
const seconds = Number(process.env['SECONDS'] ?? 20)

const counters = { input_received: 0, output_sent: 0, input_errors: 0, output_errors: 0, processor_errors: 0 }
const traffic = { producedBytes: 0, producedRecords: 0, fetchedBytes: 0 }
const idle: AgentReport = {
  revision: 0,
  instances: [],
  ended: [],
  cpu: 0.1,
  memoryBytes: 3e8,
  connections: 0,
  traffic,
  logs: [],
}
const started = {
  state: 'running',
  since: 0,
  restarts: 0,
  nextStartAt: null,
  error: null,
  problem: null,
  counters,
  memoryBytes: 2e6,
  cpu: 0.01,
} as const

const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-fleet-'))
const postgres = hasPostgres() ? await startPostgresServer() : undefined
const databaseUrl = postgres?.url ?? `sqlite:${join(folder, 'control.db')}`
const database = await (postgres === undefined
  ? openSqlite({ path: join(folder, 'control.db') })
  : openPostgres({ url: postgres.url, schema: 'penstock' }))
const sealingKey = systemRandom.bytes(32)
const stop = new AbortController()
/** Open until closed here: a connection without a control plane keeps trying to reach one. */
const connections: AgentConnection[] = []
try {
  await measure(await fill(database))
} finally {
  stop.abort()
  await database.close()
  await postgres?.close()
  rmSync(folder, { recursive: true })
}

interface Keys {
  readonly clusterId: string
  readonly application: string
  readonly agent: string
}

async function fill(into: Database): Promise<Keys> {
  const plane = await ControlPlane.open({
    database: into,
    sealingKey,
    lint: async () => ({ findings: [], settings: defaultSettings }),
    jsonSchema: async () => ({}),
    version: '0.0.0',
    isEphemeral: false,
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
  })
  const { cluster, applicationKey, agentKey } = await plane.ensureDefaultCluster()
  const yaml = 'input:\n  generate:\n    mapping: root = 1\noutput:\n  drop: {}\nwarpstream:\n  exact_concurrency: 1\n'
  const settings = { ...defaultSettings, concurrency: { scope: 'exact', count: 1 } } as const
  for (let index = 0; index < pipelines + samples; index++) {
    const id = `pi_${index}`
    const state = index < pipelines ? 'running' : 'paused'
    await into.transaction({ kind: 'write', durable: false }, async sql => {
      const fixed = { type: 'bento', state, deployedConfigurationId: `pci_${index}` } as const
      await store.insertPipeline(sql, { id, clusterId: cluster.id, name: `p-${index}`, createdAt: index, ...fixed })
      const configuration = { id: `pci_${index}`, pipelineId: id, version: 0, yaml, createdAt: index }
      await store.insertConfiguration(sql, { ...configuration, settings })
    })
  }
  await plane.close()
  return { clusterId: cluster.id, application: applicationKey.secret, agent: agentKey.secret }
}

async function measure(keys: Keys): Promise<void> {
  const { child, apiUrl } = await startControlPlane()
  try {
    const api = await Api.connect({ apiUrl, apiKey: keys.application })
    const startedAt = performance.now()
    for (let number = 0; number < agents; number++) await startAgent(new URL(apiUrl), keys, number)
    const cluster = { virtual_cluster_id: api.clusterId }
    const running = async () => {
      const { pipelines: all } = await api.call('list_pipeline_statuses', cluster)
      return all.filter(({ health }) => health === 'running').length
    }
    while ((await running()) < pipelines) await systemClock.sleep(200)
    console.log(
      `${agents} agents, ${pipelines} pipelines running after ${Math.round(performance.now() - startedAt)} ms`,
    )

    const took: number[] = []
    for (let index = 0; index < samples; index++) {
      const pipeline = { ...cluster, pipeline_id: `pi_${pipelines + index}` }
      const askedAt = performance.now()
      await api.call('change_pipeline_state', { ...pipeline, desired_state: 'running' })
      while ((await api.call('describe_pipeline_status', pipeline)).health !== 'running') await systemClock.sleep(5)
      took.push(performance.now() - askedAt)
    }
    print('from "run" to running', took)
    const lists: number[] = []
    for (let index = 0; index < 50; index++) {
      const askedAt = performance.now()
      await running()
      lists.push(performance.now() - askedAt)
    }
    print('list of statuses', lists)

    const [cpuBefore, queriesBefore] = [cpuMs(child), await transactions()]
    await systemClock.sleep(seconds * 1000)
    const queries = (await transactions()) - queriesBefore
    const cpu = (cpuMs(child) - cpuBefore) / (seconds * 10)
    console.log(
      `at rest: ${cpu.toFixed(1)} % of a core, ${residentMb(child)} MB, ${(queries / seconds).toFixed(0)} transactions a second`,
    )
  } finally {
    stop.abort()
    await Promise.all(connections.map(connection => connection.close()))
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

async function startControlPlane(): Promise<{ readonly child: ChildProcess; readonly apiUrl: string }> {
  const args = ['control-plane', '-databaseURL', databaseUrl, '-consolePort', '0', '-logLevel', 'error']
  const environment = { ...process.env, PENSTOCK_SEALING_KEY: Buffer.from(sealingKey).toString('hex') }
  const child = spawn(program, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += String(chunk)
    if (output.includes('Ctrl-C')) break
  }
  return { child, apiUrl: /WARPSTREAM_API_URL=(\S+)/.exec(output)![1]! }
}

/** An agent that does nothing but report that it runs what it is ordered to. */
async function startAgent(api: URL, keys: Keys, number: number): Promise<void> {
  const connection = await AgentConnection.open({
    urls: [new URL(api.origin)],
    agentKey: keys.agent,
    clusterId: keys.clusterId,
    version: '0.0.0',
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
  })
  connections.push(connection)
  const hello: AgentHello = {
    identity: null,
    name: `agent-${number}`,
    version: '0.0.0',
    roles: ['proxy', 'jobs', 'pipelines'],
    pipelineGroup: '',
    agentGroup: '',
    availabilityZone: '',
    nodeId: number + 1,
    isDraining: false,
    kafkaAddress: `127.0.0.1:${20_000 + number}`,
    httpAddress: null,
    startedAt: 0,
  }
  const { control } = connection
  const { agentId } = await control.register(hello)
  let revision = 0
  let instances: InstanceReport[] = []
  const report = () => control.report(agentId, { ...idle, revision, instances: instances.map(counted) })
  void (async () => {
    while (!stop.signal.aborted) {
      const orders = await control.poll(agentId, revision, stop.signal)
      if (orders.revision === revision) continue
      revision = orders.revision
      instances = orders.instances.map(order => ({ ...started, ...order }))
      await report()
    }
  })().catch(unlessStopped)
  void (async () => {
    while (!stop.signal.aborted) {
      await systemClock.sleep(1000)
      await report()
    }
  })().catch(unlessStopped)
}

function counted({ counters: before, ...instance }: InstanceReport): InstanceReport {
  const now = Math.round(performance.now())
  return { ...instance, counters: { ...before, input_received: now, output_sent: now } }
}

/** Links break when everything ends; an agent that fails earlier ends the bench. */
function unlessStopped(error: unknown): void {
  if (!stop.signal.aborted) throw error
}

/** Processor time of a process so far; available only on Linux. */
function cpuMs({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function residentMb({ pid }: ChildProcess): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024)
}

/** Transactions of the database so far; 0 if it does not count them. */
async function transactions(): Promise<number> {
  if (postgres === undefined) return 0
  const [row] = await database.transaction({ kind: 'read' }, sql =>
    sql.all<{ count: number }>(
      'SELECT (xact_commit + xact_rollback)::bigint AS count FROM pg_stat_database WHERE datname = current_database()',
    ),
  )
  return Number(row!.count)
}

function print(name: string, took: readonly number[]): void {
  const sorted = took.toSorted((a, b) => a - b)
  const at = (share: number) => `${sorted[Math.ceil(sorted.length * share) - 1]!.toFixed(0)} ms`
  console.log(`${name}: p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} of ${sorted.length}`)
}
