import { isDeepStrictEqual } from 'node:util'
import { type Clock, type Log, type Random } from '../base/index.ts'
import { type Database, databaseTime, type Sql } from '../database/index.ts'
import type { AgentLink, AgentReport, Orders, Peer, Registration, RelayAnswer } from './agent-link.ts'
import type { ApiRequest, ApiResponse, ChangedSubject, LogLine, RelayedName } from './api-types.ts'
import type { Changes } from './changes.ts'
import { ControlError } from './errors.ts'
import { newId } from './ids.ts'
import type { AgentHello, Assignment, RegisteredAgent } from './model.ts'
import type { PeerPlanes } from './peer-planes.ts'
import { ReconcilePace } from './reconcile-pace.ts'
import { isShared, type ReconcilePlan, reconcile } from './reconciler.ts'
import { Relay } from './relay.ts'
import { StatusBoard } from './status-board.ts'
import * as store from './store/store.ts'
import { FleetWarnings } from './fleet-warnings.ts'
import { pollMs, WaitingPolls } from './waiting-polls.ts'

const leaseMs = 20_000
/** An agent that has been silent for this long is assigned nothing new. */
const silentMs = 8000
/** How long a lost agent is still listed. */
const rememberLostMs = 10 * 60_000
/** How often a report in which only figures changed is stored for other control planes. */
const storeReportMs = 5000
/** How the latest reconciliation placed a pipeline. */
export interface Placed {
  readonly wanted: number
  readonly completed: number
}

export interface FleetOptions {
  readonly clusterId: string
  /** The secret that registrations carry. */
  readonly peerSecret: string
  readonly database: Database
  readonly changes: Changes
  readonly peers: PeerPlanes
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The findings and changes of a reconciliation. */
interface Reconciled {
  readonly now: number
  readonly agents: readonly RegisteredAgent[]
  readonly lost: readonly RegisteredAgent[]
  readonly placed: ReadonlyMap<string, Placed>
  /** Agents whose orders changed. */
  readonly reordered: ReadonlySet<string>
  /** Agents that still hold what was revoked. */
  readonly releasing: ReadonlySet<string>
  readonly isIdle: boolean
}

/**
 * The agents of a cluster: which are alive, what each of them runs, and what each does next.
 *
 * Everything that decides which agent runs what is in the database and judged by its clock: agents, assignments with
 * their leases, revisions of orders, what each agent holds. What is kept here can be lost at any time: the orders of a
 * revision and the latest reports are caches; waiting polls and pending questions belong to this process.
 */
export class Fleet implements AgentLink {
  readonly board: StatusBoard
  readonly #options: FleetOptions
  readonly #relay: Relay
  readonly #waiting: WaitingPolls
  readonly #warnings: FleetWarnings
  readonly #orders = new Map<string, Pick<Orders, 'revision' | 'instances'>>()
  readonly #reported = new Map<string, { readonly revision: number; readonly held: string; storedAt: number }>()
  readonly #silent = new Set<string>()
  /** As of the latest reconciliation, undefined before the first; a new list whenever it changes. */
  #peers: readonly Peer[] | undefined
  /** The list last sent to each agent. */
  readonly #sentPeers = new Map<string, readonly Peer[] | undefined>()
  /** When each agent that is linked to this process last started or ended a poll, in monotonic milliseconds. */
  readonly #polledAt = new Map<string, number>()
  #placed: ReadonlyMap<string, Placed> = new Map()
  readonly #pace: ReconcilePace
  /** The desired state has changed, so the next reconciliation will have work. */
  #isChanged = false
  /** Agents that were ordered to stop something and have not reported it yet. */
  #releasing: ReadonlySet<string> = new Set()
  #reportsReadUntil = 0

  constructor(options: FleetOptions) {
    const { clusterId, clock, changes, random, log } = options
    this.#options = options
    this.board = new StatusBoard(clusterId, clock, changes)
    this.#pace = new ReconcilePace({ clock, log, reconcile: () => this.#reconcile() })
    this.#waiting = new WaitingPolls(clock)
    this.#warnings = new FleetWarnings(clusterId, log)
    this.#relay = new Relay(random, agentId => this.#waiting.wake(agentId))
  }

  // ── For the API ──

  /** How a pipeline that should run was placed; undefined for any other. */
  placed(pipelineId: string): Placed | undefined {
    return this.#placed.get(pipelineId)
  }

  /** All agents, including those that were lost recently. */
  agents(): Promise<{ readonly agent: RegisteredAgent; readonly isAlive: boolean }[]> {
    const { database, clusterId } = this.#options
    return database.transaction({ kind: 'read' }, async sql => {
      const now = await databaseTime(database, sql)
      return (await store.listAgents(sql, clusterId)).map(agent => ({ agent, isAlive: isHeard(agent, now) }))
    })
  }

  /** The bootstrap address for Kafka clients; null while no agent serves them. */
  async kafkaAddress(): Promise<string | null> {
    return (await this.#kafkaAgent(() => true))?.hello.kafkaAddress ?? null
  }

  /** Has an agent answer a question about the cluster's data, which is neither inspected nor stored here. */
  async ask<Name extends RelayedName>(name: Name, request: ApiRequest<Name>): Promise<ApiResponse<Name>> {
    const { peers, clusterId } = this.#options
    const agent = await this.#kafkaAgent(({ id }) => this.#isHere(id))
    if (agent !== undefined) return this.#relay.ask(agent.id, name, request)
    const answer = await peers.relay({ kind: 'relay', clusterId, name, request })
    if (answer?.ok === false) throw new ControlError(answer.error.code, answer.error.message)
    if (answer !== undefined) return answer.response as ApiResponse<Name> // to the request of this name
    // An agent that has just switched to this control plane will poll in a moment.
    const coming = await this.#kafkaAgent(() => true)
    if (coming === undefined) throw noAgent()
    return this.#relay.ask(coming.id, name, request)
  }

  /** Like `ask`, but only for agents that are linked to this control plane. */
  async askHere<Name extends RelayedName>(name: Name, request: ApiRequest<Name>): Promise<ApiResponse<Name>> {
    const agent = await this.#kafkaAgent(({ id }) => this.#isHere(id))
    if (agent === undefined) throw noAgent()
    return this.#relay.ask(agent.id, name, request)
  }

  /**
   * Log lines of a pipeline after a cursor, oldest first, from all control planes; without a cursor the newest ones.
   */
  async logs(pipelineId: string, afterCursor: number | undefined, limit: number): Promise<readonly LogLine[]> {
    const { peers, clusterId } = this.#options
    if (!peers.hasOthers) return this.board.logs(pipelineId, afterCursor, limit)
    const read = async () => {
      // Lines that reach another control plane after it has answered get a higher cursor than this, and lines that
      // already have one are left out, so no line ever appears before a cursor that was already returned.
      const request = { pipelineId, afterCursor, upTo: this.board.cursor, limit }
      const answers = [this.board.logsFor(request), ...(await peers.logs({ kind: 'logs', clusterId, request }))]
      this.board.advanceCursor(Math.max(...answers.map(({ cursor }) => cursor)))
      return { lines: answers.flatMap(answer => answer.lines), isWhole: this.board.cursor === request.upTo }
    }
    const first = await read()
    const { lines: found } = first.isWhole ? first : await read()
    const lines = found.toSorted((one, two) => one.cursor - two.cursor)
    return afterCursor === undefined ? lines.slice(-limit) : lines.slice(0, limit)
  }

  announce(subject: ChangedSubject): void {
    this.#options.changes.announce(this.#options.clusterId, subject)
  }

  // ── For agents ──

  async register(hello: AgentHello): Promise<Registration> {
    const { database, random, clusterId, peerSecret, log } = this.#options
    const agentId = await database.transaction({ kind: 'write' }, async sql => {
      const now = await databaseTime(database, sql)
      const known =
        hello.identity === null ? undefined : await store.findAgentByIdentity(sql, clusterId, hello.identity)
      if (known !== undefined) {
        // Completed instances stay completed; the others are assigned again, because the previous process has ended.
        await store.deleteUncompleted(sql, known.id)
        await store.reviveAgent(sql, known.id, hello, now)
        return known.id
      }
      const id = newId('agt', random)
      const agent = { id, clusterId, hello, registeredAt: now, lastSeenAt: now, ordersRevision: 1, reported: null }
      await store.insertAgent(sql, agent)
      return id
    })
    this.#reported.delete(agentId)
    log.info('agent registered', { agent: agentId, name: hello.name })
    this.announce('agents')
    await this.#pace.afterNews()
    return { agentId, leaseMs, peerSecret }
  }

  async poll(agentId: string, revision: number, signal: AbortSignal): Promise<Orders> {
    const { database } = this.#options
    const isKnown = await database.transaction({ kind: 'write', durable: false }, async sql => {
      const now = await databaseTime(database, sql)
      return store.touchAgent(sql, agentId, now, now + leaseMs)
    })
    if (!isKnown) throw new ControlError('agent_not_found', `there is no agent ${agentId}`)
    this.#polledAt.set(agentId, this.#options.clock.monotonic())
    if (this.#silent.has(agentId) || this.#peers === undefined) await this.reconcile()
    // Starts waiting before the orders are read, so that no change in between is missed.
    const wait = this.#waiting.wait(agentId, signal)
    let orders = await this.#currentOrders(agentId)
    const isNews = this.#sentPeers.get(agentId) !== this.#peers || this.#relay.has(agentId)
    if (orders.revision === revision && !isNews) {
      await wait.woken
      orders = await this.#currentOrders(agentId)
    }
    wait.end()
    // The agent has disconnected, perhaps to another control plane.
    if (signal.aborted) this.#polledAt.delete(agentId)
    else this.#polledAt.set(agentId, this.#options.clock.monotonic())
    this.#sentPeers.set(agentId, this.#peers)
    return { ...orders, questions: this.#relay.take(agentId), peers: this.#peers ?? [] }
  }

  async report(agentId: string, report: AgentReport): Promise<void> {
    this.board.update(agentId, report)
    const { instances, revision } = report
    const before = this.#reported.get(agentId)
    const ids = instances.map(({ instanceId }) => instanceId).toSorted()
    const held = ids.join(' ')
    const isNews = before?.revision !== revision || before.held !== held
    const completed = this.#newlyCompleted(agentId, report)
    const now = this.#options.clock.now()
    if (!isNews && completed.length === 0 && now - before.storedAt < storeReportMs) return
    const isKnown = await this.#store(agentId, report, ids, completed)
    if (!isKnown) return this.board.forgetAgent(agentId)
    this.#reported.set(agentId, { revision, held, storedAt: now })
    this.#noteCompleted(agentId, completed)
    // The rest of a report affects neither the desired state nor which agent may run it.
    if (completed.length > 0 || (isNews && this.#releasing.has(agentId))) await this.#pace.afterNews()
  }

  answer(agentId: string, questionId: string, answer: RelayAnswer): Promise<void> {
    this.#relay.answer(agentId, questionId, answer)
    return Promise.resolve()
  }

  async drain(agentId: string): Promise<void> {
    const { database, clusterId, log } = this.#options
    await database.transaction({ kind: 'write' }, async sql => {
      const agent = await store.findAgent(sql, clusterId, agentId)
      if (agent === undefined) throw new ControlError('agent_not_found', `there is no agent ${agentId}`)
      await store.setHello(sql, agentId, { ...agent.hello, isDraining: true })
    })
    log.info('agent is draining', { agent: agentId })
    this.announce('agents')
    await this.reconcile()
  }

  async leave(agentId: string): Promise<void> {
    const { database, clusterId, log } = this.#options
    await database.transaction({ kind: 'write' }, async sql => {
      await store.deleteUncompleted(sql, agentId)
      const agent = await store.findAgent(sql, clusterId, agentId)
      // An agent with an identity will return, and its completed instances stay completed.
      if (agent?.hello.identity === null) await store.deleteAgents(sql, [agentId])
      else if (agent !== undefined) await store.markLeft(sql, agentId)
    })
    log.info('agent left', { agent: agentId })
    this.#forget(agentId)
    await this.reconcile()
  }

  // ── For the control plane ──

  /**
   * Background maintenance, about once a second: samples figures, reads what other control planes stored, reconciles.
   */
  async tick(): Promise<void> {
    this.board.sample()
    await this.#pace.next()
    await this.#readReports()
  }

  /** Reconciles after a change of the desired state. */
  reconcile(): Promise<void> {
    this.#isChanged = true
    return this.#pace.next()
  }

  /** Ends waiting polls and pending questions. */
  close(): void {
    this.#pace.close()
    this.#relay.close()
    this.#waiting.wakeAll()
  }

  async #reconcile(): Promise<void> {
    const { database, clusterId } = this.#options
    const isChanged = this.#isChanged
    this.#isChanged = false
    // Usually there is nothing to do, and checking takes no lock.
    const seen = isChanged ? undefined : await database.transaction({ kind: 'read' }, sql => this.#plan(sql))
    const done =
      seen?.isIdle === true
        ? seen
        : await database.transaction({ kind: 'write' }, async sql => {
            await store.lockCluster(sql, clusterId)
            return this.#plan(sql, plan => this.#apply(sql, plan))
          })
    this.#releasing = done.releasing
    this.#placed = done.placed
    for (const agent of done.agents) this.#noteSilence(agent, done.now)
    for (const { id } of done.lost) {
      this.#options.log.warn('agent is lost', { agent: id })
      this.#forget(id)
    }
    for (const agentId of done.reordered) this.#waiting.wake(agentId)
    // Another control plane has issued these new orders.
    for (const { id, ordersRevision } of done.agents)
      if (this.#waiting.has(id) && this.#orders.get(id)?.revision !== ordersRevision) this.#waiting.wake(id)
    const heard = done.agents.filter(agent => isHeard(agent, done.now))
    this.#setPeers(heard)
    this.#warnings.check(heard)
  }

  async #plan(
    sql: Sql,
    apply?: (planned: { plan: ReconcilePlan; now: number; lost: readonly RegisteredAgent[] }) => Promise<void>,
  ): Promise<Reconciled> {
    const { database, clusterId } = this.#options
    const [now, running, agents, assignments] = await Promise.all([
      databaseTime(database, sql),
      store.listRunning(sql, clusterId),
      store.listAgents(sql, clusterId),
      store.listAssignments(sql, clusterId),
    ])
    const pipelines = running.map(({ id, configurationId, settings }) => ({
      id,
      configurationId,
      group: settings.pipelineGroup,
      concurrency: settings.concurrency,
    }))
    const plan = reconcile({ pipelines, agents: agents.map(agent => toCandidate(agent, now)), assignments, now })
    const lost = agents.filter(({ hello, lastSeenAt }) => hello.identity === null && now - lastSeenAt >= rememberLostMs)
    await apply?.({ plan, now, lost })
    const isIdle = plan.create.length + plan.update.length + plan.remove.length + lost.length === 0
    const releasing = releasingAfter(plan, assignments)
    return { now, agents, lost, placed: placedOf(plan, assignments), reordered: reorderedBy(plan), releasing, isIdle }
  }

  /** Revokes, then changes, then assigns: one plan may do all three to a slot. */
  async #apply(
    sql: Sql,
    { plan, now, lost }: { plan: ReconcilePlan; now: number; lost: readonly RegisteredAgent[] },
  ): Promise<void> {
    const { clusterId, random } = this.#options
    await store.deleteAssignments(
      sql,
      plan.remove.map(({ instanceId }) => instanceId),
    )
    await store.updateAssignments(sql, plan.update)
    const created = plan.create.map(placement => ({
      ...placement,
      instanceId: newId('ins', random),
      clusterId,
      leaseExpiresAt: now + leaseMs,
      released: false,
      completed: false,
    }))
    await store.insertAssignments(sql, created)
    await store.advanceSlots(
      sql,
      plan.create.filter(({ slot }) => isShared(slot)),
    )
    await store.advanceOrders(sql, [...reorderedBy(plan)])
    await store.deleteAgents(
      sql,
      lost.map(({ id }) => id),
    )
  }

  #setPeers(agents: readonly RegisteredAgent[]): void {
    const peers = agents.flatMap(toPeer)
    if (isDeepStrictEqual(peers, this.#peers)) return
    this.#peers = peers
    this.#waiting.wakeAll()
  }

  async #kafkaAgent(isWanted: (agent: RegisteredAgent) => boolean): Promise<RegisteredAgent | undefined> {
    const found = (await this.agents()).find(
      ({ agent, isAlive }) => isAlive && agent.hello.kafkaAddress !== null && isWanted(agent),
    )
    return found?.agent
  }

  /** Whether the agent polls this control plane. */
  #isHere(agentId: string): boolean {
    const polledAt = this.#polledAt.get(agentId)
    return polledAt !== undefined && this.#options.clock.monotonic() - polledAt < 2 * pollMs
  }

  async #currentOrders(agentId: string): Promise<Pick<Orders, 'revision' | 'instances'>> {
    const { database, clusterId } = this.#options
    const known = this.#orders.get(agentId)
    const orders = await database.transaction({ kind: 'read' }, async sql => {
      const agent = await store.findAgent(sql, clusterId, agentId)
      if (agent === undefined) throw new ControlError('agent_not_found', `there is no agent ${agentId}`)
      const revision = agent.ordersRevision
      return known?.revision === revision ? known : { revision, instances: await store.listOrders(sql, agentId) }
    })
    this.#orders.set(agentId, orders)
    return orders
  }

  #newlyCompleted(agentId: string, { instances }: AgentReport) {
    const known = new Map(this.#orders.get(agentId)?.instances.map(order => [order.instanceId, order]))
    return instances.filter(
      ({ instanceId, state, nextStartAt }) =>
        state === 'completed' && nextStartAt === null && known.get(instanceId)?.completed === false,
    )
  }

  /** Resolves to false if the agent is no longer known. */
  #store(
    agentId: string,
    report: AgentReport,
    held: readonly string[],
    completed: readonly { readonly instanceId: string; readonly configurationId: string }[],
  ): Promise<boolean> {
    const { database } = this.#options
    const durable = completed.length > 0
    return database.transaction({ kind: 'write', durable }, async sql => {
      const now = await databaseTime(database, sql)
      await store.completeAssignments(sql, completed)
      await store.upsertReport(sql, agentId, { ...report, ended: [], logs: [] }, now)
      return store.noteReported(sql, agentId, { revision: report.revision, held })
    })
  }

  #noteCompleted(agentId: string, completed: readonly { readonly instanceId: string }[]): void {
    const orders = this.#orders.get(agentId)
    if (orders === undefined || completed.length === 0) return
    const done = new Set(completed.map(({ instanceId }) => instanceId))
    const instances = orders.instances.map(order =>
      done.has(order.instanceId) ? { ...order, completed: true } : order,
    )
    this.#orders.set(agentId, { ...orders, instances })
  }

  /** Reads the stored reports of agents that are linked to another control plane. */
  async #readReports(): Promise<void> {
    const { database, clusterId } = this.#options
    const isElsewhere = (agent: RegisteredAgent) => !this.#silent.has(agent.id) && !this.#reported.has(agent.id)
    // An agent registers before it reports, so one that is on the board now and not in the database has left.
    const onBoard = this.board.agentIds
    const { agents, found } = await database.transaction({ kind: 'read' }, async sql => {
      const agents = await store.listAgents(sql, clusterId)
      const isNeeded = agents.some(isElsewhere)
      return { agents, found: isNeeded ? await store.listReports(sql, clusterId, this.#reportsReadUntil) : [] }
    })
    const registered = new Set(agents.map(({ id }) => id))
    for (const agentId of onBoard) if (!registered.has(agentId)) this.#forget(agentId)
    for (const { agentId, reportedAt, report } of found) {
      this.#reportsReadUntil = Math.max(this.#reportsReadUntil, reportedAt)
      // The last report of an agent that died stays in the database until the agent is deleted.
      if (!this.#reported.has(agentId) && !this.#silent.has(agentId)) this.board.update(agentId, report)
    }
  }

  #noteSilence(agent: RegisteredAgent, now: number): void {
    const isSilent = !isHeard(agent, now)
    if (isSilent === this.#silent.has(agent.id)) return
    if (isSilent) {
      this.#silent.add(agent.id)
      this.#reported.delete(agent.id)
      this.#relay.forget(agent.id)
      this.board.forgetAgent(agent.id)
    } else this.#silent.delete(agent.id)
    this.announce('agents')
  }

  #forget(agentId: string): void {
    this.#reported.delete(agentId)
    this.#orders.delete(agentId)
    this.#sentPeers.delete(agentId)
    this.#polledAt.delete(agentId)
    this.#silent.delete(agentId)
    this.#relay.forget(agentId)
    this.board.forgetAgent(agentId)
    this.announce('agents')
  }
}

function noAgent(): ControlError {
  return new ControlError('no_agent_available', 'no connected agent can answer this')
}

function isHeard({ lastSeenAt }: RegisteredAgent, now: number): boolean {
  return now - lastSeenAt < silentMs
}

function toCandidate(agent: RegisteredAgent, now: number) {
  const { id, hello, lastSeenAt, reported, ordersRevision } = agent
  return {
    id,
    isAvailable: isHeard(agent, now) && hello.roles.includes('pipelines') && !hello.isDraining,
    isLost: now - lastSeenAt >= leaseMs || !hello.roles.includes('pipelines') || hello.isDraining,
    isDraining: hello.isDraining,
    group: hello.pipelineGroup,
    held: reported !== null && reported.revision >= ordersRevision ? new Set(reported.held) : null,
  }
}

function toPeer({ hello }: RegisteredAgent): Peer[] {
  const { nodeId, kafkaAddress, roles, agentGroup, availabilityZone, isDraining, httpAddress } = hello
  // Agents of an earlier version do not report a node id.
  if (kafkaAddress === null || nodeId == null) return []
  const colon = kafkaAddress.lastIndexOf(':')
  const host = kafkaAddress.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return [
    {
      nodeId,
      host,
      port: Number(kafkaAddress.slice(colon + 1)),
      roles,
      group: agentGroup,
      zone: availabilityZone,
      isDraining,
      httpAddress,
    },
  ]
}

/** The agents whose orders a plan changes. */
function reorderedBy({ create, update, remove }: ReconcilePlan): Set<string> {
  const removed = remove.filter(({ released }) => !released)
  return new Set([...create, ...update, ...removed].map(({ agentId }) => agentId))
}

function releasingAfter({ update, remove }: ReconcilePlan, assignments: readonly Assignment[]): Set<string> {
  const removed = new Set(remove.map(({ instanceId }) => instanceId))
  const revoked = [...assignments, ...update].filter(({ instanceId, released }) => released && !removed.has(instanceId))
  return new Set(revoked.map(({ agentId }) => agentId))
}

function placedOf(plan: ReconcilePlan, assignments: readonly Assignment[]): Map<string, Placed> {
  const reassigned = new Set(plan.update.map(({ instanceId }) => instanceId))
  const completed = Map.groupBy(
    assignments.filter(({ instanceId, completed, released }) => completed && !released && !reassigned.has(instanceId)),
    ({ pipelineId }) => pipelineId,
  )
  return new Map(
    [...plan.wantedCounts].map(([id, wanted]) => [id, { wanted, completed: completed.get(id)?.length ?? 0 }]),
  )
}
