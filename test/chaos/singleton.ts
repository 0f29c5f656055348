// A pipeline with `exact_concurrency: 1` whose agent is repeatedly killed, paused and cut off, and a checker: once
// another instance has written, nothing of an earlier one may follow.    node test/chaos/singleton.ts [--cycles 30]
// [--seed 1] [--program dist/penstock.mjs]  Each cycle causes one fault at the agent that runs the pipeline, and waits
// until the pipeline writes again. It needs the built program: npm run build.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { Api, eventually, type PipelineUnderTest } from '../e2e/support.ts'
import { type LocalCluster, type Member, startLocalCluster } from '../servers/local-cluster.ts'
import { startTcpProxy, type TcpProxy } from '../servers/tcp-proxy.ts'
import { generator } from './generator.ts'

const topic = 'singleton'
/** Longer than a lease, so that another agent takes over before the paused one resumes. */
const pauseMs = [22_000, 30_000] as const
const shortPauseMs = [1000, 8000] as const

/** Every instance has its own id, and counts. */
const configuration = `input:
  generate:
    interval: 20ms
    mapping: 'root.n = count("n")'
pipeline:
  processors:
    - branch:
        request_map: 'root = ""'
        processors:
          - cached: { cache: runs, key: run, processors: [ { mapping: 'root = uuid_v4()' } ] }
        result_map: 'root.run = content().string()'
output:
  kafka_franz_warpstream:
    topic: ${topic}
cache_resources:
  - label: runs
    memory: {}
warpstream:
  exact_concurrency: 1
`

interface Written {
  readonly run: string
  readonly n: number
  readonly offset: number
}

const { values: flags } = parseArgs({
  options: {
    cycles: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    program: { type: 'string', default: join(import.meta.dirname, '../../dist/penstock.mjs') },
  },
})
const random = generator(Number(flags.seed))
const between = ([low, high]: readonly [number, number]) => low + random() * (high - low)

const cluster = await startLocalCluster({
  agents: 0,
  controlPlanes: 2,
  database: 'postgres',
  store: 's3',
  auth: 'none',
  program: [process.execPath, '--disable-warning=ExperimentalWarning', flags.program],
})
const proxies = new Map<number, TcpProxy>()
try {
  process.exitCode = (await run(cluster)) ? 0 : 1
} finally {
  for (const agent of cluster.agents) agent.process.kill('SIGCONT')
  await cluster.close()
  for (const proxy of proxies.values()) await proxy.close()
}

async function run({ controlPlanes, apiKey }: LocalCluster): Promise<boolean> {
  const agents: Member[] = []
  for (let index = 0; index < 3; index++) agents.push(await addAgent(index))
  const api = await Api.connect({ apiUrl: `${controlPlanes[0]!.address}/api/v1`, apiKey })
  await createTopic(agents)
  const pipeline = await api.createPipeline('singleton', configuration)
  const counts: Record<string, number> = {}
  const faults = { kill, pause, shortPause, cut, stop }
  const names = ['kill', 'pause', 'shortPause', 'cut', 'stop'] as const
  for (let cycle = 0; cycle < Number(flags.cycles); cycle++) {
    await untilWritten(agents)
    const agent = await agentOf(api, pipeline, agents)
    const name = names[Math.floor(random() * names.length)]!
    counts[name] = (counts[name] ?? 0) + 1
    await faults[name](agent, agents, cycle)
    console.log(`${cycle + 1}: ${name}`)
  }
  await untilWritten(agents)
  await pipeline.change({ desired_state: 'paused' })
  await pipeline.until('nothing runs', ({ instances }) => instances.length === 0)
  const written = await readAll(agents)
  const stale = staleIn(written)
  for (const { run, n, offset } of stale.slice(0, 10)) console.log(`     offset ${offset}: ${run} wrote ${n} too late`)
  const instances = new Set(written.map(one => one.run)).size
  console.log(
    `${stale.length === 0 ? 'ok  ' : 'FAIL'} seed ${flags.seed}: ${flags.cycles} faults ${JSON.stringify(counts)}, ${written.length} records of ${instances} instances, ${stale.length} behind those of a later one`,
  )
  return stale.length === 0
}

/** Records of an instance after the first record of a later one. */
function staleIn(written: readonly Written[]): Written[] {
  const replaced = new Set<string>()
  let current = ''
  return written.filter(record => {
    if (record.run !== current && !replaced.has(record.run)) {
      replaced.add(current)
      current = record.run
    }
    return replaced.has(record.run)
  })
}

async function kill(agent: Member, agents: Member[], cycle: number): Promise<void> {
  await agent.end('SIGKILL')
  agents.splice(agents.indexOf(agent), 1)
  agents.push(await addAgent(cycle))
}

async function stop(agent: Member, agents: Member[], cycle: number): Promise<void> {
  agents.splice(agents.indexOf(agent), 1, await addAgent(cycle))
  await agent.end('SIGTERM')
}

async function pause(agent: Member): Promise<void> {
  await pauseFor(agent, between(pauseMs))
}

async function shortPause(agent: Member): Promise<void> {
  await pauseFor(agent, between(shortPauseMs))
}

async function pauseFor(agent: Member, ms: number): Promise<void> {
  agent.process.kill('SIGSTOP')
  await sleep(ms)
  agent.process.kill('SIGCONT')
}

/** The agent keeps running, without a control plane. */
async function cut(agent: Member): Promise<void> {
  const proxy = proxies.get(agent.pid)!
  proxy.cut({ refuse: true })
  await sleep(between(pauseMs))
  proxy.restore()
}

/** Each agent reaches a control plane through its own proxy. */
async function addAgent(index: number): Promise<Member> {
  const { controlPlanes } = cluster
  const proxy = await startTcpProxy(Number(new URL(controlPlanes[index % controlPlanes.length]!.address).port))
  const agent = await cluster.addAgent(['-metadataURL', `http://127.0.0.1:${proxy.port}`])
  proxies.set(agent.pid, proxy)
  return agent
}

async function agentOf(api: Api, { ids }: PipelineUnderTest, agents: readonly Member[]): Promise<Member> {
  const find = async () => {
    const { agents: known } = await api.call('list_agents', { virtual_cluster_id: ids.virtual_cluster_id })
    // A killed agent is listed for a while, with what it ran.
    const running = known.find(
      ({ instances, is_alive }) =>
        is_alive && instances.some(one => one.pipeline_id === ids.pipeline_id && one.state === 'running'),
    )
    return agents.find(({ pid }) => running?.agent_name.endsWith(`:${pid}`))
  }
  const agent = await eventually('an agent runs it', find, found => found !== undefined)
  assert(agent !== undefined)
  return agent
}

function client(agents: readonly Member[]): Kafka {
  return new Kafka({
    clientId: 'checker',
    brokers: agents.map(({ address }) => address),
    connectionTimeout: 2000,
    requestTimeout: 10_000,
    logLevel: logLevel.NOTHING,
    retry: { retries: 10, initialRetryTime: 100, maxRetryTime: 2000 },
  })
}

async function createTopic(agents: readonly Member[]): Promise<void> {
  const admin = client(agents).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  await admin.disconnect()
}

/** The number of records; while agents come and go, retries until one responds. */
async function end(agents: readonly Member[]): Promise<number> {
  const count = await eventually(
    'the end of the topic',
    () => askEnd(agents).catch(() => undefined),
    found => found !== undefined,
  )
  assert(count !== undefined)
  return count
}

async function askEnd(agents: readonly Member[]): Promise<number> {
  const admin = client(agents).admin()
  await admin.connect()
  try {
    const [offsets] = await admin.fetchTopicOffsets(topic)
    return Number(offsets!.high)
  } finally {
    await admin.disconnect()
  }
}

/** Waits until there are some more records. */
async function untilWritten(agents: readonly Member[]): Promise<void> {
  const before = await end(agents)
  await eventually(
    'it is written again',
    () => end(agents),
    now => now >= before + 20,
  )
}

async function readAll(agents: readonly Member[]): Promise<Written[]> {
  const count = await end(agents)
  const consumer = client(agents).consumer({ groupId: 'checker' })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const written: Written[] = []
  await consumer.run({
    eachMessage: async ({ message }) => {
      const record: Pick<Written, 'run' | 'n'> = JSON.parse(String(message.value))
      written.push({ ...record, offset: Number(message.offset) })
    },
  })
  await eventually(
    'everything is read',
    async () => written.length,
    length => length >= count,
  )
  await consumer.disconnect()
  return written
}
