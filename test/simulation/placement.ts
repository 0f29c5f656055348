// Control planes and agents that crash, hang and lose contact, with slow and lost responses and clocks that jump, over
// one database. Whatever happens, at most one agent runs a slot in any epoch, a slot moves only with a higher epoch,
// and once the faults stop every pipeline runs as often as it should.
import assert from 'node:assert/strict'
import { Agent, KafkaClient } from '../../src/agent/index.ts'
import type { Supervisor } from '../../src/agent/pipelines/supervisor.ts'
import { type Clock, nullLog, waitOrAbort } from '../../src/base/index.ts'
import type { AgentLink, InstanceReport } from '../../src/control/agent-link.ts'
import { Changes } from '../../src/control/changes.ts'
import { defaultSettings } from '../../src/control/configuration/settings.ts'
import { Fleet } from '../../src/control/fleet.ts'
import { ControlError, type InstanceOrder } from '../../src/control/index.ts'
import { PeerPlanes } from '../../src/control/peer-planes.ts'
import type { Concurrency } from '../../src/control/reconciler.ts'
import { migrations } from '../../src/control/store/schema.ts'
import * as store from '../../src/control/store/store.ts'
import { type Database, migrate, openSqliteHere, type Sql } from '../../src/database/index.ts'
import { World } from './world.ts'
import { agentHello } from '../../src/control/agent-hello.suite.ts'

const CLUSTER = 'vci_1'
const LIMIT_MS = 60 * 60 * 1000
/** Within this time after the last fault, everything must run as it should. */
const SETTLE_MS = 90_000
/** How long an agent has to stop. */
const GRACE_MS = 15_000
/** How long a paused agent may take to notice that its slots have moved. */
const NOTICE_MS = 10_000
const PIPELINES: Readonly<Record<string, Concurrency>> = {
  once: { scope: 'exact', count: 1 },
  thrice: { scope: 'exact', count: 3 },
  spread: { scope: 'cluster', count: 4 },
  twice: { scope: 'agent', count: 2 },
}

export class PlacementSimulation {
  readonly world: World
  /** For each slot that moves between agents, the epoch it was raised to and the agent that raised it. */
  readonly #fences = new Map<string, { epoch: number; agent: SimulatedAgent }>()
  readonly #sqlite = openSqliteHere({ path: ':memory:' })
  readonly #database: Database
  readonly planes: Plane[] = []
  readonly #agents: SimulatedAgent[] = []
  /** Violations of invariants, with the faults that preceded them. */
  readonly #violations: string[] = []
  readonly #faults: string[] = []
  isOver = false

  constructor(seed: number) {
    this.world = new World(seed)
    this.#database = atTimeOf(this.world.clock, this.#sqlite)
  }

  /** Resolves to the history of the world. */
  async run(): Promise<number> {
    await migrate(this.#sqlite, 'control plane', migrations)
    await this.#database.transaction({ kind: 'write' }, sql => createPipelines(sql))
    await this.world.run(this.#live(), LIMIT_MS)
    assert.deepEqual(this.#violations, [])
    await this.#sqlite.close()
    return this.world.history
  }

  get alive(): readonly SimulatedAgent[] {
    return this.#agents.filter(agent => !agent.isGone)
  }

  /** The fencing in the metadata before an agent starts a slot: false if a later epoch is already recorded. */
  raiseFence({ fence }: InstanceOrder, by: SimulatedAgent): boolean {
    if (fence === null) return true
    const known = this.#fences.get(fence.lease)
    if (known !== undefined && known.epoch > fence.epoch) return false
    if (known?.epoch === fence.epoch && known.agent !== by)
      this.#violations.push(`two agents have epoch ${fence.epoch} of ${fence.lease}`)
    // Other agents may run the slot only while they cannot know better; their writes are rejected from now on.
    for (const other of this.alive)
      if (other !== by && other.runs(fence.lease) && !other.mayBeStale)
        this.#violations.push(
          `${fence.lease} starts at ${this.world.now} while it runs elsewhere: ${other.describe()}; ${this.#faults.join('; ')}`,
        )
    this.#fences.set(fence.lease, { epoch: fence.epoch, agent: by })
    return true
  }

  async #live(): Promise<void> {
    const { clock, choices } = this.world
    for (let index = 0; index < 2; index++) this.planes.push(new Plane(this, this.#database))
    for (let index = 0; index < 3; index++) this.#addAgent()
    await clock.sleep(choices.below(10_000))
    const faults = [this.#kill, this.#pause, this.#cut, this.#drain, this.#join, this.#crashPlane, this.#stepClocks]
    for (let count = 3 + choices.below(8); count > 0; count--) {
      const fault = choices.pick(faults)
      this.#faults.push(`${fault.name} at ${this.world.now}`)
      await fault.call(this)
      await clock.sleep(choices.below(15_000))
    }
    for (const agent of this.alive) agent.heal()
    await this.#settle()
    this.isOver = true
    for (const agent of this.alive) agent.kill()
    for (const plane of this.planes) plane.close()
  }

  #addAgent(): void {
    this.#agents.push(new SimulatedAgent(this))
  }

  async #kill(): Promise<void> {
    this.world.choices.pick(this.alive).kill()
    await this.world.clock.sleep(this.world.choices.below(5000))
    this.#addAgent()
  }

  async #pause(): Promise<void> {
    this.world.choices.pick(this.alive).pause(this.world.choices.below(40_000))
  }

  async #cut(): Promise<void> {
    this.world.choices.pick(this.alive).cut(this.world.choices.below(40_000))
  }

  async #drain(): Promise<void> {
    if (this.alive.length < 2) return
    await this.world.choices.pick(this.alive).end()
  }

  async #join(): Promise<void> {
    if (this.alive.length < 5) this.#addAgent()
  }

  async #crashPlane(): Promise<void> {
    const { choices, clock } = this.world
    const index = choices.below(this.planes.length)
    this.planes[index]!.close()
    await clock.sleep(choices.below(8000))
    this.planes[index] = new Plane(this, this.#database)
  }

  async #stepClocks(): Promise<void> {
    for (const one of [...this.planes, ...this.alive])
      one.clockOffsetMs = (this.world.choices.fraction() - 0.5) * 7_200_000
  }

  /** Waits until every pipeline runs as often as it should. */
  async #settle(): Promise<void> {
    const deadline = this.world.now + SETTLE_MS
    for (;;) {
      const wrong = this.#misplaced()
      if (wrong.length === 0) return
      assert.ok(this.world.now < deadline, wrong.join('; '))
      await this.world.clock.sleep(1000)
    }
  }

  #misplaced(): string[] {
    const agents = this.alive
    return Object.entries(PIPELINES).flatMap(([id, { scope, count }]) => {
      const counts = agents.map(agent => agent.count(id))
      const each = scope === 'agent' ? count : Math.ceil(count / agents.length)
      const isRight =
        scope === 'exact'
          ? counts.reduce((sum, one) => sum + one, 0) === count
          : counts.every(running => running === each)
      return isRight ? [] : [`${id} runs ${counts.join()} times on ${agents.length} agents`]
    })
  }
}

async function createPipelines(sql: Sql): Promise<void> {
  await store.insertCluster(sql, { id: CLUSTER, name: 'vcn_one', createdAt: 1 })
  for (const [id, concurrency] of Object.entries(PIPELINES)) {
    const deployed = { deployedConfigurationId: `${id}-0`, state: 'running', type: 'bento' } as const
    await store.insertPipeline(sql, { id, clusterId: CLUSTER, name: id, createdAt: 1, ...deployed })
    const settings = { ...defaultSettings, concurrency }
    const yaml = 'input: {}\noutput: {}\n'
    await store.insertConfiguration(sql, { id: `${id}-0`, pipelineId: id, version: 0, yaml, createdAt: 1, settings })
  }
}

/** A database whose clock is that of the simulation. */
function atTimeOf(clock: Clock, database: Database): Database {
  const timed = (sql: Sql): Sql =>
    new Proxy(sql, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        if (name !== 'all') return value.bind(target)
        return async (text: string, ...values: never[]) =>
          text.includes('unixepoch') ? [{ now: clock.now() }] : Reflect.apply(value, target, [text, ...values])
      },
    })
  return {
    dialect: database.dialect,
    transaction: (options, work) => database.transaction(options, sql => work(timed(sql))),
    onLost: listener => database.onLost(listener),
    close: () => database.close(),
  }
}

/** The clock of a process: its date may be wrong, and nothing happens in the process while `ready` is pending. */
function processClock(clock: Clock, offsetMs: () => number, ready: () => Promise<void> = async () => {}): Clock {
  return {
    now: () => clock.now() + Math.floor(offsetMs()),
    monotonic: () => clock.monotonic(),
    async sleep(ms, signal) {
      await clock.sleep(ms, signal)
      await ready()
    },
  }
}

/** A control plane. */
class Plane {
  readonly fleet: Fleet
  readonly #down = new AbortController()
  clockOffsetMs = 0

  constructor({ world }: PlacementSimulation, database: Database) {
    const shared = { clock: processClock(world.clock, () => this.clockOffsetMs), random: world.random, log: nullLog }
    const peers = new PeerPlanes({ database, sealingKey: new Uint8Array(32), ...shared })
    this.fleet = new Fleet({
      clusterId: CLUSTER,
      peerSecret: 'secret',
      database,
      changes: new Changes(),
      peers,
      ...shared,
    })
    void this.#tick(world.clock)
  }

  get down(): AbortSignal {
    return this.#down.signal
  }

  /** Pending requests never receive a response. */
  close(): void {
    this.#down.abort()
    this.fleet.close()
  }

  async #tick(clock: Clock): Promise<void> {
    while (!this.down.aborted) {
      await waitOrAbort(clock, 1000, this.down)
      if (!this.down.aborted) await this.fleet.tick()
    }
  }
}

const hello = { ...agentHello, name: 'simulated' }

/** An agent in a separate process, with instances that take time to stop. */
class SimulatedAgent {
  readonly #simulation: PlacementSimulation
  readonly #agent: Agent
  readonly #instances = new Map<string, InstanceOrder>()
  readonly #stopping = new Set<string>()
  #wanted: readonly InstanceOrder[] = []
  #link = new AbortController()
  #plane = 0
  #pausedUntil = 0
  #lastPausedUntil = Number.NEGATIVE_INFINITY
  #cutUntil = 0
  isGone = false
  clockOffsetMs = 0

  constructor(simulation: PlacementSimulation) {
    this.#simulation = simulation
    const { world } = simulation
    const clock = processClock(
      world.clock,
      () => this.clockOffsetMs,
      () => this.#ready(),
    )
    this.#agent = new Agent({
      link: this.#agentLink(),
      hello,
      view: { client: new KafkaClient('127.0.0.1', 1), metadata: undefined, clock, random: world.random },
      figures: {
        connections: () => 0,
        traffic: () => ({ producedBytes: 0, producedRecords: 0, fetchedBytes: 0 }),
        requests: () => new Map(),
        metricsText: async () => '',
      },
      clock,
      log: nullLog,
      supervisor: () => this as unknown as Supervisor, // implements what an agent uses of a Supervisor, without threads
    })
  }

  // ── The simulation's view ──

  runs(lease: string): boolean {
    return [...this.#instances.values()].some(({ fence }) => fence?.lease === lease)
  }

  count(pipelineId: string): number {
    return [...this.#instances.values()].filter(order => order.pipelineId === pipelineId).length
  }

  describe(): string {
    const slots = [...this.#instances.values()].map(({ fence }) => `${fence?.lease} epoch ${fence?.epoch}`)
    const wanted = this.#wanted.map(({ fence }) => `${fence?.lease} epoch ${fence?.epoch}`)
    return `silent for ${this.#agent.silentMs} ms, runs ${slots.join()}, wants ${wanted.join()}`
  }

  /** Whether it is paused, or was until recently. */
  get mayBeStale(): boolean {
    return this.#simulation.world.now < this.#lastPausedUntil + NOTICE_MS
  }

  kill(): void {
    this.isGone = true
    this.#link.abort()
  }

  /** A second pause does not end the first. */
  pause(ms: number): void {
    this.#pausedUntil = this.#lastPausedUntil = Math.max(this.#pausedUntil, this.#simulation.world.now + ms)
  }

  cut(ms: number): void {
    this.#cutUntil = this.#simulation.world.now + ms
    this.#link.abort()
  }

  heal(): void {
    this.#pausedUntil = this.#cutUntil = 0
  }

  async end(): Promise<void> {
    const grace = new AbortController()
    void this.#simulation.world.clock.sleep(GRACE_MS).then(() => grace.abort())
    await this.#agent.drain(grace.signal)
    await this.#agent.close()
    this.isGone = true
  }

  // ── The agent's view ──

  get reports(): InstanceReport[] {
    return [...this.#instances.values()].map(({ instanceId, pipelineId, configurationId, version }) => ({
      ...{ instanceId, pipelineId, configurationId, version, state: 'running', since: 0, restarts: 0 },
      ...{ nextStartAt: null, error: null, problem: null, memoryBytes: 0, cpu: 0 },
      counters: { input_received: 0, output_sent: 0, input_errors: 0, output_errors: 0, processor_errors: 0 },
    }))
  }

  takeEnded(): InstanceReport[] {
    return []
  }

  keepEnded(): void {}

  follow(orders: readonly InstanceOrder[]): void {
    this.#wanted = orders
    for (const id of this.#instances.keys()) if (!this.#isWanted(id)) void this.#stop(id)
    this.#startWanted()
  }

  async close(): Promise<void> {
    this.#wanted = []
    await Promise.all([...this.#instances.keys()].map(id => this.#stop(id)))
  }

  #isWanted(id: string): boolean {
    return this.#wanted.some(({ instanceId }) => instanceId === id)
  }

  #startWanted(): void {
    for (const order of this.#wanted) {
      if (this.#instances.has(order.instanceId)) continue
      const isBusy = [...this.#instances.values()].some(
        one => one.pipelineId === order.pipelineId && !this.#isWanted(one.instanceId),
      )
      if (!isBusy && this.#simulation.raiseFence(order, this)) this.#instances.set(order.instanceId, order)
    }
  }

  async #stop(id: string): Promise<void> {
    if (this.#stopping.has(id)) return
    this.#stopping.add(id)
    const { clock, choices } = this.#simulation.world
    await clock.sleep(choices.below(1500))
    await this.#ready()
    this.#stopping.delete(id)
    this.#instances.delete(id)
    this.#startWanted()
  }

  /** Resolves when the process is not paused; never if it was killed. */
  async #ready(): Promise<void> {
    const { world } = this.#simulation
    while (world.now < this.#pausedUntil) await world.clock.sleep(this.#pausedUntil - world.now)
    if (this.isGone && !this.#simulation.isOver) await new Promise(() => {})
  }

  #agentLink(): AgentLink {
    return {
      register: one => this.#call(fleet => fleet.register(one)),
      poll: (id, revision, signal) =>
        this.#call((fleet, cut) => fleet.poll(id, revision, AbortSignal.any([signal, cut]))),
      report: (id, report) => this.#call(fleet => fleet.report(id, report)),
      answer: (id, question, answer) => this.#call(fleet => fleet.answer(id, question, answer)),
      drain: id => this.#call(fleet => fleet.drain(id)),
      leave: id => this.#call(fleet => fleet.leave(id)),
    }
  }

  /** A round trip to one of the control planes; the request or its response may be lost. */
  async #call<Answer>(work: (fleet: Fleet, cut: AbortSignal) => Promise<Answer>): Promise<Answer> {
    const { world, planes } = this.#simulation
    const { clock, choices } = world
    if (world.now < this.#cutUntil) throw unreachable()
    if (this.#link.signal.aborted) this.#link = new AbortController()
    const plane = planes[this.#plane % planes.length]!
    const cut = AbortSignal.any([this.#link.signal, plane.down])
    const isLost = choices.chance(0.02)
    const lostOnTheWay = isLost && choices.chance(0.5)
    const delayMs = () => choices.below(choices.chance(0.05) ? 2000 : 20)
    const answer = (async () => {
      await clock.sleep(delayMs())
      if (cut.aborted || lostOnTheWay) throw unreachable()
      const found = await work(plane.fleet, cut)
      await clock.sleep(delayMs())
      await this.#ready()
      if (isLost) throw unreachable()
      return found
    })()
    const broken = new Promise<never>((_, reject) => {
      const fail = () => void this.#ready().then(() => reject(unreachable()))
      if (cut.aborted) fail()
      else cut.addEventListener('abort', fail, { once: true })
    })
    try {
      return await Promise.race([answer, broken])
    } catch (error) {
      // The other control plane has the same data.
      this.#plane++
      throw error
    }
  }
}

function unreachable(): ControlError {
  return new ControlError('internal_error', 'the control plane cannot be reached')
}
