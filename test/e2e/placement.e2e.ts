// How pipelines are distributed, counted at the agents while these join, hang, die and leave.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type LocalCluster, type Member, startLocalCluster } from '../servers/local-cluster.ts'
import { hasPostgres } from '../servers/postgres-server.ts'
import { Api, eventually, type PipelineUnderTest, program } from './support.ts'

let cluster: LocalCluster
let api: Api
const pipelines = new Map<string, PipelineUnderTest>()

const targets = [1, 2, 3, 4, 5]

/** What runs on each of this many agents. */
const perAgent = (agents: number) =>
  Object.fromEntries(
    targets.flatMap(target => [
      [`cluster-${target}`, Math.ceil(target / agents)],
      [`agent-${target}`, target],
    ]),
  )

before(async () => {
  cluster = await startLocalCluster({
    agents: 1,
    controlPlanes: 2,
    database: hasPostgres() ? 'postgres' : 'sqlite',
    store: 'file',
    auth: 'none',
    program: [program],
  })
  api = await Api.connect({ apiUrl: `${cluster.controlPlanes[1]!.address}/api/v1`, apiKey: cluster.apiKey })
  for (const target of targets) {
    await deploy(`cluster-${target}`, `cluster_concurrency_target: ${target}`)
    await deploy(`agent-${target}`, `agent_concurrency_target: ${target}`)
  }
  await deploy('exact-1', 'exact_concurrency: 1')
  for (const group of ['a', 'b']) await deploy(`group-${group}`, `pipeline_group: ${group}`)
})
after(async () => {
  for (const agent of cluster.agents) agent.process.kill('SIGCONT')
  await cluster.close()
})

async function deploy(name: string, placement: string): Promise<void> {
  const stream = `input:\n  generate:\n    interval: 1s\n    mapping: 'root = "x"'\noutput:\n  drop: {}\n`
  pipelines.set(name, await api.createPipeline(name, `${stream}warpstream:\n  ${placement}\n`))
}

/** How many instances of each pipeline an agent itself reports. */
async function countedAt({ welcome }: Member): Promise<Record<string, number>> {
  const status = /Agent\s+(\S+)\/v1\/status/.exec(welcome)![1]!
  const text = await (await fetch(`${status}/metrics`)).text()
  const ids = [...text.matchAll(/^warpstream_pipeline_running\{.*pipeline_id="([^"]+)"\} 1$/gm)].map(([, id]) => id)
  const names = Array.from(
    pipelines,
    ([name, { ids: own }]) => [name, ids.filter(id => id === own.pipeline_id).length] as const,
  )
  return Object.fromEntries(names.filter(([, count]) => count > 0))
}

/** Waits until each of these agents runs what is given, and one of them the pipeline with `exact_concurrency`. */
async function untilPlaced(agents: readonly Member[], expected: Record<string, number>): Promise<void> {
  const wanted = agents.map(() => JSON.stringify(expected, Object.keys(expected).toSorted()))
  await eventually(
    `${wanted.join()} and one singleton`,
    async () => {
      const counts = await Promise.all(agents.map(countedAt))
      const singles = counts.reduce((sum, count) => sum + (count['exact-1'] ?? 0), 0)
      return {
        singles,
        counts: counts.map(({ 'exact-1': _, ...others }) => JSON.stringify(others, Object.keys(others).toSorted())),
      }
    },
    ({ singles, counts }) => singles === 1 && counts.join() === wanted.join(),
  )
}

test('instances are redistributed as agents join, hang, come back, die and leave', async () => {
  const [one] = cluster.agents
  await untilPlaced([one!], perAgent(1))
  const two = await cluster.addAgent()
  await untilPlaced([one!, two], perAgent(2))
  const three = await cluster.addAgent()
  await untilPlaced([one!, two, three], perAgent(3))
  const four = await cluster.addAgent()
  await untilPlaced([one!, two, three, four], perAgent(4))

  one!.process.kill('SIGSTOP')
  await untilPlaced([two, three, four], perAgent(3))
  one!.process.kill('SIGCONT')
  await untilPlaced([one!, two, three, four], perAgent(4))

  await two.end('SIGKILL')
  await untilPlaced([one!, three, four], perAgent(3))
  await three.end('SIGTERM')
  await untilPlaced([one!, four], perAgent(2))
})

test('a pipeline of a group runs only on the agents of that group, which run nothing else', async () => {
  const inGroup = await Promise.all(['a', 'b'].map(group => cluster.addAgent(['-managedPipelinesGroupName', group])))
  const ofGroup = (group: string) => async () => JSON.stringify(await countedAt(inGroup['ab'.indexOf(group)]!))
  for (const group of ['a', 'b'])
    await eventually(`group ${group}`, ofGroup(group), found => found === `{"group-${group}":1}`)
  const others = await countedAt(cluster.agents[0]!)
  assert.deepEqual([others['group-a'], others['group-b'], others['agent-2']], [undefined, undefined, 2])
})
