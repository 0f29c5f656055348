import type { Assignment } from './model.ts'

/** How many instances of a pipeline should run. */
export type Concurrency =
  /** Exactly `count` in the whole cluster. */
  | { readonly scope: 'exact'; readonly count: number }
  /** At least `count` in the whole cluster, the same number on each agent: 4 on 3 agents become 6. */
  | { readonly scope: 'cluster'; readonly count: number }
  /** `count` on each agent. */
  | { readonly scope: 'agent'; readonly count: number }

/** A pipeline that should run; paused ones are left out. */
export interface WantedPipeline {
  readonly id: string
  readonly configurationId: string
  /** Only agents of the same group run it; both may be empty. */
  readonly group: string
  readonly concurrency: Concurrency
}

/** The properties of an agent that matter for placement. */
export interface CandidateAgent {
  readonly id: string
  /** Heard from recently, and with the pipelines role. */
  readonly isAvailable: boolean
  /**
   * Silent for longer than a lease, draining, or without the pipelines role: ignored when instances are distributed.
   */
  readonly isLost: boolean
  readonly group: string
  /** Alive but about to end: what it runs is revoked. */
  readonly isDraining: boolean
  /** The instances that it holds; null until it has reported on its newest orders. */
  readonly held: ReadonlySet<string> | null
}

export interface ReconcileInput {
  readonly pipelines: readonly WantedPipeline[]
  readonly agents: readonly CandidateAgent[]
  readonly assignments: readonly Assignment[]
  /** Milliseconds since 1970. */
  readonly now: number
}

/** The changes that bring the assignments closer to the desired state. */
export interface ReconcilePlan {
  readonly create: readonly Placement[]
  /** Assignments that get another configuration or are revoked. */
  readonly update: readonly Assignment[]
  /** Assignments that no agent holds any more. */
  readonly remove: readonly Assignment[]
  /** How many instances each pipeline should have now, including completed ones; 0 if no agent may run it. */
  readonly wantedCounts: ReadonlyMap<string, number>
}

interface Placement {
  readonly pipelineId: string
  readonly slot: string
  readonly agentId: string
  readonly configurationId: string
}

/**
 * Decides which agent runs what. A slot is given to a second agent only after the first has released it or its lease
 * has ended, so no slot ever runs twice; and it stays where it is as long as its agent may run it.
 */
export function reconcile(input: ReconcileInput): ReconcilePlan {
  const agents = new Map(input.agents.map(agent => [agent.id, agent]))
  const pipelines = new Map(input.pipelines.map(pipeline => [pipeline.id, pipeline]))
  const eligible = new Map(input.pipelines.map(pipeline => [pipeline.id, agentsFor(pipeline, input.agents)]))
  const wantedSlots = new Map(input.pipelines.map(pipeline => [pipeline.id, slotsOf(pipeline, input.agents)]))

  const update: Assignment[] = []
  const remove: Assignment[] = []
  const taken = new Set<string>()
  const load = new Map<string, number>()
  for (const assignment of input.assignments) {
    const pipeline = pipelines.get(assignment.pipelineId)
    const agent = agents.get(assignment.agentId)
    const isDone = assignment.completed && assignment.configurationId === pipeline?.configurationId
    if (hasReleased(assignment, agent, input.now) && (!isDone || assignment.released)) {
      remove.push(assignment)
      continue
    }
    taken.add(slotKey(assignment.pipelineId, assignment.slot))
    load.set(assignment.agentId, (load.get(assignment.agentId) ?? 0) + 1)
    if (assignment.released) continue
    const isWanted = pipeline !== undefined && wantedSlots.get(pipeline.id)!.has(assignment.slot)
    // An agent that is briefly silent keeps its assignments until its lease ends.
    const mayStay =
      agent === undefined || (!agent.isDraining && (!agent.isAvailable || agent.group === pipeline?.group))
    if (!isWanted || !mayStay) update.push({ ...assignment, released: true })
    else if (assignment.configurationId !== pipeline.configurationId)
      update.push({ ...assignment, configurationId: pipeline.configurationId, completed: false })
  }

  const create: Placement[] = []
  for (const pipeline of input.pipelines) {
    for (const [slot, boundTo] of wantedSlots.get(pipeline.id)!) {
      if (taken.has(slotKey(pipeline.id, slot))) continue
      const candidates = eligible.get(pipeline.id)!.filter(({ id }) => boundTo === undefined || id === boundTo)
      const agentId = leastLoaded(candidates, load)
      if (agentId === undefined) continue
      load.set(agentId, (load.get(agentId) ?? 0) + 1)
      create.push({ pipelineId: pipeline.id, slot, agentId, configurationId: pipeline.configurationId })
    }
  }
  const wantedCounts = new Map(
    input.pipelines.map(pipeline => [
      pipeline.id,
      wantedCount(pipeline, input.agents, eligible.get(pipeline.id)!.length),
    ]),
  )
  return { create, update, remove, wantedCounts }
}

const sharedSlots = 'cluster/'

/** Whether a slot can move between agents; other slots contain the name of their agent. */
export function isShared(slot: string): boolean {
  return slot.startsWith(sharedSlots)
}

function agentsFor(pipeline: WantedPipeline, agents: readonly CandidateAgent[]): CandidateAgent[] {
  return agents.filter(agent => agent.isAvailable && agent.group === pipeline.group)
}

function wantedCount(pipeline: WantedPipeline, agents: readonly CandidateAgent[], available: number): number {
  if (available === 0) return 0
  const { scope, count } = pipeline.concurrency
  return scope === 'exact' ? count : available * countPerAgent(pipeline, agents)
}

/** How many instances of an evenly distributed pipeline each agent runs. */
function countPerAgent({ group, concurrency }: WantedPipeline, agents: readonly CandidateAgent[]): number {
  if (concurrency.scope === 'agent') return concurrency.count
  const present = agents.filter(agent => agent.group === group && !agent.isLost).length
  return Math.ceil(concurrency.count / Math.max(1, present))
}

/**
 * The wanted slots, with the agent that a slot is bound to, if any. Silent agents have slots too, so that what they run
 * is not revoked before their lease ends.
 */
function slotsOf(pipeline: WantedPipeline, agents: readonly CandidateAgent[]): Map<string, string | undefined> {
  const { scope, count } = pipeline.concurrency
  if (scope === 'exact') return new Map(numbers(count).map(number => [`${sharedSlots}${number}`, undefined]))
  const slots = numbers(countPerAgent(pipeline, agents))
  const ofGroup = agents.filter(agent => agent.group === pipeline.group && !agent.isDraining)
  return new Map(ofGroup.flatMap(({ id }) => slots.map(number => [`${id}/${number}`, id] as const)))
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/**
 * A lost agent has released everything when its lease ends, because it stops on its own before that. A live agent has
 * released a revoked assignment once it reports on the orders that revoked it.
 */
function hasReleased(assignment: Assignment, agent: CandidateAgent | undefined, now: number): boolean {
  if (assignment.leaseExpiresAt <= now) return agent === undefined || !agent.isAvailable || assignment.released
  return assignment.released && agent?.held != null && !agent.held.has(assignment.instanceId)
}

function leastLoaded(agents: readonly CandidateAgent[], load: ReadonlyMap<string, number>): string | undefined {
  let best: string | undefined
  for (const { id } of agents) {
    if (best === undefined || (load.get(id) ?? 0) < (load.get(best) ?? 0)) best = id
  }
  return best
}

function slotKey(pipelineId: string, slot: string): string {
  return `${pipelineId} ${slot}`
}
