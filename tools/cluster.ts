// Runs a whole cluster on this machine until SIGINT or SIGTERM:
//
//   npm run cluster -- --agents 3 --control-planes 2 [--database postgres|sqlite] [--store s3|file] [--auth scram-tls]
//     [--processes 1] [--control FILE]
//
// Prints the addresses and keys, then READY. It reads commands from the named pipe FILE: `add-agent [flags]`,
// `stop-agent N`, `kill-agent N` (agents are counted from 1 in the order of KAFKA); after each it prints KAFKA and
// AGENT_PIDS again.
import { messageOf } from '../src/base/index.ts'
import { spawnSync } from 'node:child_process'
import { constants, existsSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { type LocalCluster, type Member, startLocalCluster } from '../test/servers/local-cluster.ts'

const { values: flags } = parseArgs({
  options: {
    agents: { type: 'string', default: '3' },
    'control-planes': { type: 'string', default: '1' },
    database: { type: 'string', default: 'postgres' },
    store: { type: 'string', default: 's3' },
    auth: { type: 'string', default: 'none' },
    processes: { type: 'string', default: '1' },
    control: { type: 'string' },
  },
})

let isStopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop())
const starting = startLocalCluster({
  agents: count('agents', flags.agents),
  controlPlanes: count('control-planes', flags['control-planes']),
  database: choice('database', flags.database, ['postgres', 'sqlite']),
  store: choice('store', flags.store, ['s3', 'file']),
  auth: choice('auth', flags.auth, ['none', 'scram-tls']),
  program: [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    join(import.meta.dirname, '../dist/penstock.mjs'),
  ],
  agentFlags: ['-processes', String(count('processes', flags.processes))],
})
const cluster = await starting
const agents: Member[] = [...cluster.agents]
printAgents()
print(cluster)
if (flags.control !== undefined) void follow(flags.control)
process.stdout.write('READY\n')

function printAgents(): void {
  process.stdout.write(`KAFKA=${agents.map(({ address }) => address).join(',')}\n`)
  process.stdout.write(`AGENT_PIDS=${agents.map(({ pid }) => pid).join(',')}\n`)
}

function print({ controlPlanes, apiKey, virtualClusterId, databaseUrl, bucketUrl, login, folder }: LocalCluster): void {
  const lines = [
    `API_URL=${controlPlanes.map(({ address }) => `${address}/api/v1`).join(',')}`,
    `API_KEY=${apiKey}`,
    `VIRTUAL_CLUSTER_ID=${virtualClusterId}`,
    `CONTROL_PLANE_PIDS=${controlPlanes.map(({ pid }) => pid).join(',')}`,
    `DATABASE_URL=${databaseUrl}`,
    `BUCKET_URL=${bucketUrl}`,
    ...(login ? [`USERNAME=${login.username}`, `PASSWORD=${login.password}`, `CA_FILE=${login.caFile}`] : []),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  process.stderr.write(`log files are in ${folder}\n`)
}

async function follow(pipe: string): Promise<void> {
  if (!existsSync(pipe)) spawnSync('mkfifo', [pipe])
  // Also opened for writing, so that it does not end with each of its writers. As a socket, because a thread that waits
  // in a read of a file would keep the process from exiting.
  const input = new Socket({ fd: openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK), writable: false })
  for await (const line of createInterface({ input })) {
    try {
      await obey(line.trim().split(/\s+/))
      printAgents()
    } catch (error) {
      process.stderr.write(`${line}: ${messageOf(error)}\n`)
    }
  }
}

async function obey([verb, ...rest]: readonly string[]): Promise<void> {
  switch (verb) {
    case 'add-agent':
      agents.push(await cluster.addAgent(rest))
      return
    case 'stop-agent':
      return await end(rest[0], 'SIGTERM')
    case 'kill-agent':
      return await end(rest[0], 'SIGKILL')
    default:
      throw new Error('the lines are: add-agent [flags], stop-agent N, kill-agent N')
  }
}

async function end(number: string | undefined, signal: NodeJS.Signals): Promise<void> {
  const [agent] = /^[1-9]\d*$/.test(number ?? '') ? agents.splice(Number(number) - 1, 1) : []
  if (agent === undefined) throw new Error(`there is no agent ${number}`)
  await agent.end(signal)
}

/** If called while the cluster is starting, stops it once it has started. */
async function stop(): Promise<void> {
  if (isStopping) return
  isStopping = true
  await starting.then(
    ({ close }) => close(),
    () => undefined,
  )
  process.exit(0)
}

function count(name: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) fail(`--${name} has to be a number from 1 on, not ${JSON.stringify(text)}`)
  return Number(text)
}

function choice<const Choice extends string>(name: string, text: string, choices: readonly Choice[]): Choice {
  const found = choices.find(one => one === text)
  return found ?? fail(`--${name} has to be one of ${choices.join(', ')}, not ${JSON.stringify(text)}`)
}

function fail(message: string): never {
  process.stderr.write(`cluster: ${message}\n`)
  process.exit(2)
}
