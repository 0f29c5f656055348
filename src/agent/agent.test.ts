import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, nullLog, systemClock, systemRandom } from '../base/index.ts'
import {
  type AgentLink,
  type AgentReport,
  ControlError,
  type InstanceOrder,
  type Orders,
  type RelayAnswer,
} from '../control/index.ts'
import { Agent } from './agent.ts'
import { KafkaClient } from './cluster/kafka-client.ts'
import type { Supervisor } from './pipelines/supervisor.ts'
import { StatusServer } from './status-server.ts'
import { until } from '../base/until.suite.ts'
import { agentHello } from '../control/agent-hello.suite.ts'

/** A scripted control plane: a real one cannot be made to fail at a chosen call. */
class ScriptedLink implements AgentLink {
  registrations = 0
  left: string[] = []
  reports: AgentReport[] = []
  answers: RelayAnswer[] = []
  readonly #polls: ((agentId: string) => Orders)[]

  constructor(polls: readonly ((agentId: string) => Orders)[]) {
    this.#polls = [...polls]
  }

  register() {
    return Promise.resolve({ agentId: `agent-${++this.registrations}`, leaseMs: 20_000 })
  }

  async poll(agentId: string, revision: number, signal: AbortSignal): Promise<Orders> {
    const next = this.#polls.shift()
    if (next !== undefined) return next(agentId)
    await systemClock.sleep(50, signal).catch(() => undefined)
    return { revision, instances: [], questions: [], peers: [] }
  }

  report(_agentId: string, report: AgentReport) {
    this.reports.push(report)
    return Promise.resolve()
  }

  answer(_agentId: string, _questionId: string, answer: RelayAnswer) {
    this.answers.push(answer)
    return Promise.resolve()
  }

  drain() {
    return Promise.resolve()
  }

  leave(agentId: string) {
    this.left.push(agentId)
    return Promise.resolve()
  }
}

/** Becomes unreachable when the agent ends. */
class CutLink extends ScriptedLink {
  override drain() {
    return Promise.reject(new ControlError('internal_error', 'there is no connection to the control plane'))
  }

  override leave() {
    return this.drain()
  }
}

function start(
  link: AgentLink,
  { clock = systemClock, supervisor }: { clock?: Clock; supervisor?: Supervisor } = {},
): Agent {
  return new Agent({
    link,
    hello: { ...agentHello, roles: ['proxy'] },
    // Nothing listens there.
    view: { client: new KafkaClient('127.0.0.1', 1), metadata: undefined, clock: systemClock, random: systemRandom },
    figures: {
      connections: () => 0,
      traffic: () => ({ producedBytes: 0, producedRecords: 0, fetchedBytes: 0 }),
      requests: () => new Map(),
      metricsText: async () => '',
    },
    clock,
    log: nullLog,
    supervisor: supervisor && (() => supervisor),
  })
}

test('an agent declared lost registers again, and deregisters when it stops', async () => {
  const link = new ScriptedLink([
    () => {
      throw new ControlError('agent_not_found', 'gone')
    },
  ])
  const agent = start(link)
  await until(() => link.registrations === 2 && link.reports.length > 0)
  await agent.close()
  assert.deepEqual(link.left, ['agent-2'])
})

test('a report names the revision of the orders that it reflects', async () => {
  const link = new ScriptedLink([() => ({ revision: 7, instances: [], questions: [], peers: [] })])
  const agent = start(link)
  await until(() => link.reports.some(({ revision }) => revision === 7))
  await agent.close()
})

test('an agent cut off from the control plane for long stops only the instances that may move to another agent, until it reconnects', async () => {
  // The supervisor of this test reads no other field of an order.
  const order = (instanceId: string, fence: InstanceOrder['fence']) => ({ instanceId, fence }) as InstanceOrder
  const instances = [order('own', null), order('shared', { lease: 'l', epoch: 1 })]
  const followed: string[] = []
  const supervisor = {
    reports: [],
    follow: (orders: readonly InstanceOrder[]) => followed.push(orders.map(({ instanceId }) => instanceId).join()),
    takeEnded: () => [],
    keepEnded: () => {},
    close: () => Promise.resolve(),
  } as unknown as Supervisor // has what an agent calls; a real one would start threads
  let now = 0
  const orders = () => ({ revision: 3, instances, questions: [], peers: [] })
  const unreachable = () => {
    now += 15_000
    throw new Error('the database is locked')
  }
  const link = new ScriptedLink([orders, unreachable, orders])
  const agent = start(link, {
    clock: { ...systemClock, monotonic: () => now, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 20), signal) },
    supervisor,
  })
  await until(() => followed.length >= 3)
  await agent.close()
  assert.deepEqual(followed.slice(0, 3), ['own,shared', 'own', 'own,shared'])
})

test('a question that cannot be answered returns the error', async () => {
  const question = { id: 'q', name: 'list_topics', request: { virtual_cluster_id: 'vci' } } as const
  const link = new ScriptedLink([() => ({ revision: 1, instances: [], questions: [question], peers: [] })])
  const agent = start(link)
  await until(() => link.answers.length > 0)
  const [answer] = link.answers
  assert.ok(answer?.ok === false && answer.error.code === 'no_agent_available')
  await agent.close()
})

test('an agent stops cleanly when it cannot reach a control plane', async () => {
  const link = new CutLink([])
  const agent = start(link)
  await until(() => link.registrations === 1 && link.reports.length > 0)
  await agent.drain(AbortSignal.timeout(10_000))
  await agent.close()
  assert.deepEqual(link.left, [])
})

test('an agent that is cut off reports for how long, and stays healthy', async context => {
  let now = 0
  let isCut = true
  const poll = (): Orders => {
    if (!isCut) return { revision: 1, instances: [], questions: [], peers: [] }
    now = 15_000
    throw new Error('connection refused')
  }
  const agent = start(new ScriptedLink(Array.from({ length: 100 }, () => poll)), {
    clock: { ...systemClock, monotonic: () => now, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 20), signal) },
  })
  context.after(() => agent.close())
  const server = new StatusServer('0', () => agent)
  context.after(() => server.close())
  const port = await server.listen('127.0.0.1', 0)
  const read = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    assert.equal(response.status, 200)
    return response.text()
  }
  await until(() => now > 0)
  assert.equal(await read('/v1/status'), 'OK, but the control plane has not answered for 15 s')
  assert.match(await read('/metrics'), /^warpstream_agent_control_plane_silence_seconds 15$/m)
  isCut = false
  await until(() => agent.silentMs === 0)
  assert.equal(await read('/v1/status'), 'OK')
})
