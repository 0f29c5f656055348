import type { Clock } from '../base/index.ts'
import type { AgentReport, InstanceReport, LogReport } from './agent-link.ts'
import type {
  LogLine,
  OverviewHistoryPoint,
  PipelineCounters,
  PipelineHistoryPoint,
  PipelineRates,
} from './api-types.ts'
import type { Changes } from './changes.ts'
import { failureOf } from './health.ts'
import type { LogAnswer, LogRequest } from './peer-planes.ts'

const sampleIntervalMs = 2000
/** The window of `recent`: 6 samples are about 12 seconds. */
const recentSamples = 6
const historyPoints = 150
const logLinesPerPipeline = 1000
/** By the time this many more pipelines have been deleted, the instances of a deleted one are long gone. */
const rememberedDeletions = 1000
const zeroCounters: PipelineCounters = {
  input_received: 0,
  output_sent: 0,
  input_errors: 0,
  output_errors: 0,
  processor_errors: 0,
}
export const zeroRates: PipelineRates = { input_per_second: 0, output_per_second: 0, errors_per_second: 0 }

/** An instance and the agent that holds it. */
interface HeldInstance {
  readonly agentId: string
  readonly instance: InstanceReport
}

interface PipelineBoard {
  /** Sums of the counters of instances that are gone. */
  gone: PipelineCounters
  sampled: PipelineCounters
  /** The counters at the last samples, oldest first: the beginning of the window of `recent`. */
  samples: readonly PipelineCounters[]
  isFailing: boolean
  rates: PipelineRates
  readonly history: PipelineHistoryPoint[]
  readonly lines: LogLine[]
}

/**
 * The recent reports of a cluster's agents: instances, counters, rates, log lines. It is bounded, kept in memory and
 * rebuilt from the agents' next reports; reports of agents linked to another control plane come from the database. The
 * counters of instances that are gone, the history and the log lines start over with the process.
 */
export class StatusBoard {
  readonly #clusterId: string
  readonly #clock: Clock
  readonly #changes: Changes
  readonly #reports = new Map<string, AgentReport>()
  /** The instances of all reports by pipeline; undefined after a change until they are read. */
  #instances: ReadonlyMap<string, readonly HeldInstance[]> | undefined
  readonly #pipelines = new Map<string, PipelineBoard>()
  readonly #forgotten = new Set<string>()
  readonly #traffic = { producedBytes: 0, producedRecords: 0, fetchedBytes: 0 }
  readonly #history: OverviewHistoryPoint[] = []
  #sampledTraffic = { ...this.#traffic }
  #sampledAt: number
  /** Starts at the time in microseconds, so that a restarted process does not reuse a cursor. */
  #cursor: number

  constructor(clusterId: string, clock: Clock, changes: Changes) {
    this.#clusterId = clusterId
    this.#clock = clock
    this.#changes = changes
    this.#sampledAt = clock.now()
    this.#cursor = clock.now() * 1000
  }

  /** The newest report of an agent. */
  report(agentId: string): AgentReport | undefined {
    return this.#reports.get(agentId)
  }

  /** The agents that have a report. */
  get agentIds(): string[] {
    return [...this.#reports.keys()]
  }

  /** All instances of a pipeline with their agents. */
  instances(pipelineId: string): readonly HeldInstance[] {
    this.#instances ??= byPipeline(this.#reports)
    return this.#instances.get(pipelineId) ?? []
  }

  counters(pipelineId: string): PipelineCounters {
    const gone = this.#pipelines.get(pipelineId)?.gone ?? zeroCounters
    return this.instances(pipelineId).reduce((sum, { instance }) => add(sum, instance.counters), gone)
  }

  rates(pipelineId: string): PipelineRates {
    return this.#pipelines.get(pipelineId)?.rates ?? zeroRates
  }

  /** Counts of the last seconds; if every write fails, since the last delivery. */
  recent(pipelineId: string): PipelineCounters {
    const oldest = this.#pipelines.get(pipelineId)?.samples[0]
    return oldest === undefined ? zeroCounters : subtract(this.counters(pipelineId), oldest)
  }

  history(pipelineId: string): readonly PipelineHistoryPoint[] {
    return this.#pipelines.get(pipelineId)?.history ?? []
  }

  get overviewHistory(): readonly OverviewHistoryPoint[] {
    return this.#history
  }

  /** Lines after a cursor, oldest first; without a cursor the newest ones. */
  logs(pipelineId: string, afterCursor: number | undefined, limit: number): readonly LogLine[] {
    const lines = this.#pipelines.get(pipelineId)?.lines ?? []
    if (afterCursor === undefined) return lines.slice(-limit)
    return lines.filter(line => line.cursor > afterCursor).slice(0, limit)
  }

  /** Answers another control plane; lines that arrive here later have a higher cursor than its newest. */
  logsFor({ pipelineId, afterCursor, upTo, limit }: LogRequest): LogAnswer {
    this.advanceCursor(upTo)
    const lines = this.#pipelines.get(pipelineId)?.lines ?? []
    const wanted = lines.filter(({ cursor }) => cursor > (afterCursor ?? -1) && cursor <= upTo)
    return { lines: afterCursor === undefined ? wanted.slice(-limit) : wanted.slice(0, limit), cursor: this.#cursor }
  }

  /** Gives later lines a higher cursor than this. */
  advanceCursor(cursor: number): void {
    this.#cursor = Math.max(this.#cursor, cursor)
  }

  /** The cursor of the newest line. */
  get cursor(): number {
    return this.#cursor
  }

  update(agentId: string, report: AgentReport): void {
    const before = this.#reports.get(agentId)
    this.#reports.set(agentId, report)
    this.#instances = undefined
    for (const key of ['producedBytes', 'producedRecords', 'fetchedBytes'] as const)
      this.#traffic[key] += Math.max(0, report.traffic[key] - (before?.traffic[key] ?? 0))
    const present = new Map(report.instances.map(instance => [runKey(instance), instance]))
    const known = new Map((before?.instances ?? []).map(instance => [runKey(instance), instance]))
    const ended = new Map(report.ended.map(instance => [runKey(instance), instance]))
    for (const [key, instance] of known) if (!present.has(key)) this.#retire(ended.get(key) ?? instance)
    // What an earlier run failed to deliver says nothing about its replacement.
    for (const [key, { pipelineId }] of present) if (!known.has(key)) this.#board(pipelineId).samples = []
    const changed = new Set<string>()
    for (const [key, instance] of [...present, ...known]) {
      const [then, now] = [known.get(key), present.get(key)]
      if (then?.state !== now?.state || then?.since !== now?.since || then?.problem !== now?.problem)
        changed.add(instance.pipelineId)
    }
    for (const pipelineId of changed) this.#changes.announce(this.#clusterId, 'pipelines', pipelineId)
    for (const line of report.logs) this.#append(agentId, line)
  }

  /** Forgets an agent and its instances. */
  forgetAgent(agentId: string): void {
    for (const instance of this.#reports.get(agentId)?.instances ?? []) {
      this.#retire(instance)
      this.#changes.announce(this.#clusterId, 'pipelines', instance.pipelineId)
    }
    this.#reports.delete(agentId)
    this.#instances = undefined
  }

  /** Forgets a deleted pipeline; later reports of its last instances are ignored as well. */
  forgetPipeline(pipelineId: string): void {
    this.#pipelines.delete(pipelineId)
    this.#forgotten.add(pipelineId)
    if (this.#forgotten.size > rememberedDeletions) this.#forgotten.delete(this.#forgotten.values().next().value!)
  }

  /** Adds a point to every history when it is due. */
  sample(): void {
    const now = this.#clock.now()
    const elapsedMs = now - this.#sampledAt
    if (elapsedMs < sampleIntervalMs) return
    this.#sampledAt = now
    const at = new Date(now).toISOString()
    const perSecond = (difference: number) => Math.round((difference * 10_000) / elapsedMs) / 10
    push(this.#history, historyPoints, {
      at,
      produced_bytes_per_second: perSecond(this.#traffic.producedBytes - this.#sampledTraffic.producedBytes),
      fetched_bytes_per_second: perSecond(this.#traffic.fetchedBytes - this.#sampledTraffic.fetchedBytes),
      produced_records_per_second: perSecond(this.#traffic.producedRecords - this.#sampledTraffic.producedRecords),
    })
    this.#sampledTraffic = { ...this.#traffic }
    for (const report of this.#reports.values())
      for (const instance of report.instances) this.#board(instance.pipelineId)
    for (const [pipelineId, board] of this.#pipelines) {
      const counters = this.counters(pipelineId)
      const then = board.sampled
      const failed = errorsOf(counters) - errorsOf(then)
      board.rates = {
        input_per_second: perSecond(counters.input_received - then.input_received),
        output_per_second: perSecond(counters.output_sent - then.output_sent),
        errors_per_second: perSecond(failed),
      }
      board.sampled = counters
      push(board.history, historyPoints, { at, ...board.rates })
      const recent = this.recent(pipelineId)
      const isFailing = failureOf(recent) !== undefined
      // Nothing is counted between attempts that are minutes apart. A pipeline has not recovered just because it waits,
      // so the window keeps its beginning until something is delivered.
      if (!isFailing || recent.output_sent > 0) board.samples = [...board.samples, counters].slice(-recentSamples)
      if (isFailing !== board.isFailing) this.#changes.announce(this.#clusterId, 'pipelines', pipelineId)
      board.isFailing = isFailing
    }
  }

  #retire(instance: InstanceReport): void {
    const board = this.#board(instance.pipelineId)
    board.gone = add(board.gone, instance.counters)
  }

  #append(agentId: string, line: LogReport): void {
    push(this.#board(line.pipelineId).lines, logLinesPerPipeline, {
      cursor: ++this.#cursor,
      at: new Date(line.at).toISOString(),
      level: line.level,
      message: line.message,
      fields: line.fields,
      instance_id: line.instanceId,
      agent_id: agentId,
    })
    this.#changes.announce(this.#clusterId, 'pipeline_logs', line.pipelineId)
  }

  #board(pipelineId: string): PipelineBoard {
    let board = this.#pipelines.get(pipelineId)
    if (board === undefined) {
      board = {
        gone: zeroCounters,
        sampled: zeroCounters,
        samples: [],
        isFailing: false,
        rates: zeroRates,
        history: [],
        lines: [],
      }
      if (!this.#forgotten.has(pipelineId)) this.#pipelines.set(pipelineId, board)
    }
    return board
  }
}

function byPipeline(reports: ReadonlyMap<string, AgentReport>): Map<string, HeldInstance[]> {
  const found = new Map<string, HeldInstance[]>()
  for (const [agentId, { instances }] of reports)
    for (const instance of instances) {
      const known = found.get(instance.pipelineId)
      if (known === undefined) found.set(instance.pipelineId, [{ agentId, instance }])
      else known.push({ agentId, instance })
    }
  return found
}

/** An instance that switches to another version starts counting again. */
function runKey({ instanceId, configurationId }: InstanceReport): string {
  return `${instanceId} ${configurationId}`
}

function add(a: PipelineCounters, b: PipelineCounters): PipelineCounters {
  return {
    input_received: a.input_received + b.input_received,
    output_sent: a.output_sent + b.output_sent,
    input_errors: a.input_errors + b.input_errors,
    output_errors: a.output_errors + b.output_errors,
    processor_errors: a.processor_errors + b.processor_errors,
  }
}

function subtract(a: PipelineCounters, b: PipelineCounters): PipelineCounters {
  return {
    input_received: a.input_received - b.input_received,
    output_sent: a.output_sent - b.output_sent,
    input_errors: a.input_errors - b.input_errors,
    output_errors: a.output_errors - b.output_errors,
    processor_errors: a.processor_errors - b.processor_errors,
  }
}

function errorsOf({ input_errors, output_errors, processor_errors }: PipelineCounters): number {
  return input_errors + output_errors + processor_errors
}

/** Appends to a list that keeps at most `bound` items; it is trimmed in chunks, so that appending stays cheap. */
function push<Item>(list: Item[], bound: number, item: Item): void {
  list.push(item)
  if (list.length > bound * 1.25) list.splice(0, list.length - bound)
}
