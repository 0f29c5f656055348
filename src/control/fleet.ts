import type { Clock, Log, Random } from '../base/index.ts'
import type { AgentLink, AgentReport, Orders, Registration, RelayAnswer } from './agent-link.ts'
import type { Changes } from './changes.ts'
import { type PipelineSettings, readSettings } from './configuration/settings.ts'
import { ControlError } from './errors.ts'
import { newId } from './ids.ts'
import type { AgentHello, Assignment, Configuration, RegisteredAgent } from './model.ts'
import { type CandidateAgent, type ReconcilePlan, reconcile, type WantedPipeline } from './reconciler.ts'
import type { Relay } from './relay.ts'
import type { StatusBoard } from './status-board.ts'
import type { Database, Sql } from './store/database.ts'
import * as store from './store/store.ts'

const pollMs = 3000
const leaseMs = 20_000
/** An agent that was silent for so long gets nothing new. */
const silentMs = 8000
/** So long after its last word a lost agent is still shown. */
const rememberLostMs = 10 * 60_000

/** What this process knows of an agent beside its row. */
interface Session {
  /** Grows with every change of the agent's orders. */
  revision: number
  /** What the orders of that revision were, to notice a change. */
  fingerprint: string
  reported: { readonly revision: number; readonly held: ReadonlySet<string> } | undefined
  readonly waiting: Set<() => void>
}

/** How a pipeline was placed by the newest reconciliation. */
export interface Placed {
  readonly wanted: number
  readonly completed: number
}

export interface FleetOptions {
  readonly clusterId: string
  readonly database: Database
  readonly board: StatusBoard
  readonly changes: Changes
  readonly relay: Relay
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The agents of a cluster: who is there, who runs what, and what they shall do next. */
export class Fleet implements AgentLink {
  readonly #options: FleetOptions
  readonly #sessions = new Map<string, Session>()
  readonly #configurations = new Map<string, Configuration & { readonly settings: PipelineSettings }>()
  readonly #unavailable = new Set<string>()
  #placed: ReadonlyMap<string, Placed> = new Map()
  #orders: ReadonlyMap<string, Orders> = new Map()
  #reconciled: Promise<void> = Promise.resolve()

  constructor(options: FleetOptions) {
    this.#options = options
  }

  /** Where a pipeline stands that shall run; undefined for one that shall not. */
  placed(pipelineId: string): Placed | undefined {
    return this.#placed.get(pipelineId)
  }

  /** All agents, with those that were lost a short while ago. */
  async agents(): Promise<{ readonly agent: RegisteredAgent; readonly isAlive: boolean }[]> {
    const { database, clusterId, clock } = this.#options
    const agents = await database.transaction('relaxed', sql => store.listAgents(sql, clusterId))
    return agents.map(agent => ({ agent, isAlive: clock.now() - agent.lastSeenAt < silentMs }))
  }

  /** Wakes an agent that waits for orders. */
  wake(agentId: string): void {
    for (const wake of this.#sessions.get(agentId)?.waiting ?? []) wake()
  }

  // ── The agents' side ──

  async register(hello: AgentHello): Promise<Registration> {
    const { database, clock, random, clusterId, changes, log } = this.#options
    const now = clock.now()
    const agentId = await database.transaction('relaxed', async sql => {
      const known = (await store.listAgents(sql, clusterId)).find(
        agent => hello.identity !== null && agent.hello.identity === hello.identity,
      )
      const id = known?.id ?? newId('agt', random)
      const agent: RegisteredAgent = { id, clusterId, hello, registeredAt: now, lastSeenAt: now }
      if (known === undefined) await store.insertAgent(sql, agent)
      else await this.#replace(sql, agent)
      return id
    })
    this.#sessions.set(agentId, { revision: 1, fingerprint: '', reported: undefined, waiting: new Set() })
    log.info('agent registered', { agent: agentId, name: hello.name })
    changes.announce('agents')
    await this.reconcile()
    return { agentId, leaseMs }
  }

  async poll(agentId: string, revision: number, signal: AbortSignal): Promise<Orders> {
    const { database, clock, relay } = this.#options
    const now = clock.now()
    const isKnown = await database.transaction('relaxed', sql => store.touchAgent(sql, agentId, now, now + leaseMs))
    if (!isKnown) throw new ControlError('agent_not_found', `there is no agent ${agentId}`)
    if (this.#unavailable.has(agentId) || !this.#sessions.has(agentId)) {
      this.#session(agentId)
      await this.reconcile()
    }
    const session = this.#session(agentId)
    if (session.revision === revision && !relay.has(agentId) && !signal.aborted) await this.#pause(session, signal)
    const orders = this.#orders.get(agentId) ?? { revision: session.revision, instances: [], questions: [] }
    return { ...orders, questions: relay.take(agentId) }
  }

  async report(agentId: string, report: AgentReport): Promise<void> {
    const session = this.#session(agentId)
    const held = new Set(report.instances.map(({ instanceId }) => instanceId))
    const before = session.reported
    session.reported = { revision: report.revision, held }
    this.#options.board.update(agentId, report)
    const completed = report.instances.filter(({ state, nextStartAt }) => state === 'completed' && nextStartAt === null)
    await this.#noteCompleted(completed.map(({ instanceId, configurationId }) => ({ instanceId, configurationId })))
    const letGo = before === undefined || [...before.held].some(id => !held.has(id))
    if (letGo || before?.revision !== report.revision) await this.reconcile()
  }

  answer(agentId: string, questionId: string, answer: RelayAnswer): Promise<void> {
    this.#options.relay.answer(agentId, questionId, answer)
    return Promise.resolve()
  }

  async leave(agentId: string): Promise<void> {
    const { database, clusterId, log } = this.#options
    await database.transaction('relaxed', async sql => {
      for (const assignment of await store.listAssignments(sql, clusterId))
        if (assignment.agentId === agentId && !assignment.completed)
          await store.deleteAssignment(sql, assignment.instanceId)
      const agent = (await store.listAgents(sql, clusterId)).find(({ id }) => id === agentId)
      // One with an identity will be back, and what came to its end on it stays so.
      if (agent?.hello.identity === null) await store.deleteAgent(sql, agentId)
      else if (agent !== undefined) await store.updateAgent(sql, { ...agent, lastSeenAt: 0 })
    })
    log.info('agent left', { agent: agentId })
    this.#forget(agentId)
    await this.reconcile()
  }

  // ── The control plane's side ──

  /** Brings the assignments nearer to what is wanted; call it after every change and now and then. */
  reconcile(): Promise<void> {
    // One after the other, as each has to know of the orders that the one before it gave.
    const reconciled = this.#reconciled.then(() => this.#reconcile())
    this.#reconciled = reconciled.catch(() => undefined)
    return reconciled
  }

  /** Agents hear of nothing that is not kept: all that they are told is worked out first and given out after the commit. */
  async #reconcile(): Promise<void> {
    const { database, clusterId, clock, random, log } = this.#options
    const now = clock.now()
    const { agents, lost, placed, orders } = await database.transaction('relaxed', async sql => {
      const pipelines = await store.listPipelines(sql, clusterId)
      const wanted: WantedPipeline[] = []
      for (const { id, state, deployedConfigurationId } of pipelines) {
        if (state !== 'running' || deployedConfigurationId === '') continue
        const { settings } = await this.#configuration(sql, deployedConfigurationId)
        const { pipelineGroup: group, concurrency } = settings
        wanted.push({ id, configurationId: deployedConfigurationId, group, concurrency })
      }
      const agents = await store.listAgents(sql, clusterId)
      const input = { pipelines: wanted, agents: agents.map(agent => this.#candidate(agent, now)), now }
      const plan = reconcile({ ...input, assignments: await store.listAssignments(sql, clusterId) })
      await apply(sql, plan, placement => ({
        ...placement,
        instanceId: newId('ins', random),
        clusterId,
        leaseExpiresAt: now + leaseMs,
        released: false,
        completed: false,
      }))
      const assignments = await store.listAssignments(sql, clusterId)
      const names = new Map(pipelines.map(({ id, name }) => [id, name]))
      const orders = new Map<string, Orders['instances']>()
      for (const { id } of agents) orders.set(id, await this.#ordersOf(sql, id, assignments, names))
      const lost = agents.filter(
        ({ hello, lastSeenAt }) => hello.identity === null && now - lastSeenAt >= rememberLostMs,
      )
      for (const { id } of lost) await store.deleteAgent(sql, id)
      return { agents, lost, placed: placedOf(plan, assignments), orders }
    })
    for (const agent of agents) this.#noteAvailability(agent, now)
    this.#placed = placed
    this.#publish(orders)
    for (const { id: agentId } of lost) {
      log.warn('agent is lost', { agent: agentId })
      this.#forget(agentId)
    }
  }

  close(): void {
    for (const session of this.#sessions.values()) for (const wake of session.waiting) wake()
  }

  /** The newcomer keeps what came to its end; the rest is given out anew, as the earlier process is gone for sure. */
  async #replace(sql: Sql, agent: RegisteredAgent): Promise<void> {
    await store.updateAgent(sql, agent)
    for (const assignment of await store.listAssignments(sql, agent.clusterId))
      if (assignment.agentId === agent.id && !assignment.completed)
        await store.deleteAssignment(sql, assignment.instanceId)
  }

  #candidate(agent: RegisteredAgent, now: number): CandidateAgent {
    const session = this.#sessions.get(agent.id)
    const isCurrent = session?.reported !== undefined && session.reported.revision >= session.revision
    return {
      id: agent.id,
      isAvailable: isHeard(agent, now) && agent.hello.roles.includes('pipelines'),
      group: agent.hello.pipelineGroup,
      held: isCurrent ? session.reported!.held : null,
    }
  }

  #noteAvailability(agent: RegisteredAgent, now: number): void {
    const { changes, relay, board } = this.#options
    const isAvailable = isHeard(agent, now)
    if (isAvailable !== this.#unavailable.has(agent.id)) return
    if (isAvailable) this.#unavailable.delete(agent.id)
    else {
      this.#unavailable.add(agent.id)
      relay.forget(agent.id)
      board.forgetAgent(agent.id)
    }
    changes.announce('agents')
  }

  async #ordersOf(
    sql: Sql,
    agentId: string,
    assignments: readonly Assignment[],
    names: ReadonlyMap<string, string>,
  ): Promise<Orders['instances']> {
    const instances = []
    for (const { instanceId, pipelineId, configurationId, completed, ...assignment } of assignments) {
      if (assignment.agentId !== agentId || assignment.released) continue
      const { version, yaml } = await this.#configuration(sql, configurationId)
      const pipelineName = names.get(pipelineId) ?? pipelineId
      instances.push({ instanceId, pipelineId, pipelineName, configurationId, version, yaml, completed })
    }
    return instances
  }

  #publish(orders: ReadonlyMap<string, Orders['instances']>): void {
    const all = new Map<string, Orders>()
    const changed: Session[] = []
    for (const [agentId, instances] of orders) {
      const session = this.#session(agentId)
      const fingerprint = instances
        .map(({ instanceId, configurationId }) => `${instanceId} ${configurationId}`)
        .join('\n')
      if (fingerprint !== session.fingerprint) {
        session.fingerprint = fingerprint
        session.revision++
        changed.push(session)
      }
      all.set(agentId, { revision: session.revision, instances, questions: [] })
    }
    this.#orders = all
    for (const { waiting } of changed) for (const wake of waiting) wake()
  }

  async #noteCompleted(
    instances: readonly { readonly instanceId: string; readonly configurationId: string }[],
  ): Promise<void> {
    const { database, clusterId } = this.#options
    const pending = instances.filter(({ instanceId }) =>
      [...this.#orders.values()].some(({ instances: orders }) =>
        orders.some(order => order.instanceId === instanceId && !order.completed),
      ),
    )
    if (pending.length === 0) return
    await database.transaction('durable', async sql => {
      for (const assignment of await store.listAssignments(sql, clusterId)) {
        const isDone = pending.some(
          ({ instanceId, configurationId }) =>
            instanceId === assignment.instanceId && configurationId === assignment.configurationId,
        )
        if (isDone) await store.updateAssignment(sql, { ...assignment, completed: true })
      }
    })
    await this.reconcile()
  }

  async #configuration(sql: Sql, id: string): Promise<Configuration & { readonly settings: PipelineSettings }> {
    const known = this.#configurations.get(id)
    if (known !== undefined) return known
    const configuration = await store.findConfiguration(sql, id)
    if (configuration === undefined) throw new Error(`configuration ${id} is assigned and does not exist`)
    const found = { ...configuration, settings: readSettings(configuration.yaml).settings }
    if (this.#configurations.size >= 1000) this.#configurations.clear()
    this.#configurations.set(id, found)
    return found
  }

  #session(agentId: string): Session {
    let session = this.#sessions.get(agentId)
    if (session === undefined) {
      session = { revision: 1, fingerprint: '', reported: undefined, waiting: new Set() }
      this.#sessions.set(agentId, session)
    }
    return session
  }

  #pause(session: Session, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        clearTimeout(timer)
        session.waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, pollMs)
      session.waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }

  #forget(agentId: string): void {
    const { board, changes, relay } = this.#options
    this.#sessions.delete(agentId)
    this.#unavailable.delete(agentId)
    relay.forget(agentId)
    board.forgetAgent(agentId)
    changes.announce('agents')
  }
}

function isHeard({ lastSeenAt }: RegisteredAgent, now: number): boolean {
  return now - lastSeenAt < silentMs
}

/** Taken back first, then changed, then given out: a slot may be all three in one plan. */
async function apply(
  sql: Sql,
  plan: ReconcilePlan,
  assign: (placement: ReconcilePlan['create'][number]) => Assignment,
): Promise<void> {
  for (const { instanceId } of plan.remove) await store.deleteAssignment(sql, instanceId)
  for (const assignment of plan.update) await store.updateAssignment(sql, assignment)
  for (const placement of plan.create) await store.insertAssignment(sql, assign(placement))
}

function placedOf(plan: ReconcilePlan, assignments: readonly Assignment[]): Map<string, Placed> {
  return new Map(
    [...plan.wantedCounts].map(([pipelineId, wanted]) => {
      const done = assignments.filter(
        ({ pipelineId: id, completed, released }) => id === pipelineId && completed && !released,
      )
      return [pipelineId, { wanted, completed: done.length }]
    }),
  )
}
