import { type Clock, type Log, waitOrAbort } from '../base/index.ts'
import {
  type AgentHello,
  type AgentLink,
  type AgentReport,
  ControlError,
  type InstanceOrder,
  type LogReport,
  type Peer,
  type Traffic,
} from '../control/index.ts'
import { answerQuestion, type ClusterView } from './cluster/answers.ts'
import type { SupervisorEvents } from './pipelines/instance.ts'
import type { Supervisor } from './pipelines/supervisor.ts'

const reportIntervalMs = 1000
/** Changes within this time are reported together. */
const reportDelayMs = 30
const retryDelayMs = 1000
const maxLogLines = 5000
/** Until the other agents know: agents of another control plane learn it from its next tick and their next poll. */
const peersNoticeMs = 2500

/** An agent's information about its Kafka port. */
export interface KafkaFigures {
  readonly connections: () => number
  readonly traffic: () => Traffic
  /** Requests by API name. */
  readonly requests: () => ReadonlyMap<string, number>
  /** The broker's metrics in the text format of Prometheus. */
  readonly metricsText: () => Promise<string>
}

export interface AgentOptions {
  readonly link: AgentLink
  readonly hello: AgentHello
  readonly view: ClusterView
  readonly figures: KafkaFigures
  readonly clock: Clock
  readonly log: Log
  /** Called with the agents of the cluster whenever they are reported, and with their shared secret. */
  readonly onPeers?: (peers: readonly Peer[], secret: string | undefined) => void
  /** Creates the supervisor of its pipelines; absent without the pipelines role. */
  readonly supervisor: ((events: SupervisorEvents) => Supervisor) | undefined
}

/** One agent: follows its orders, reports its state, and answers questions about the cluster's data. */
export class Agent {
  readonly #options: AgentOptions
  readonly #supervisor: Supervisor | undefined
  readonly #stop = new AbortController()
  readonly #loops: Promise<unknown>
  #agentId = ''
  #leaseMs = 0
  #peerSecret: string | undefined
  /** The revision of the orders that the supervisor follows. */
  #revision = 0
  #orders: readonly InstanceOrder[] = []
  #logs: LogReport[] = []
  #wakeReport = () => {}
  #cpu = process.cpuUsage()
  #cpuAt = performance.now()
  #cpuShare = 0
  /** When the last successful poll began, in monotonic milliseconds. */
  #heardAt: number

  /** Registers and then follows orders, in the background. */
  constructor(options: AgentOptions) {
    this.#options = options
    this.#heardAt = options.clock.monotonic()
    this.#supervisor = options.supervisor?.({
      onLog: line => this.#addLog(line),
      onChange: () => this.#wakeReport(),
    })
    this.#loops = Promise.all([this.#followOrders(), this.#report()])
  }

  /** The metrics of the Kafka port in the text format of Prometheus. */
  kafkaMetricsText(): Promise<string> {
    return this.#options.figures.metricsText()
  }

  /** Requests on the Kafka port by API name. */
  get requests(): ReadonlyMap<string, number> {
    return this.#options.figures.requests()
  }

  /**
   * The maximum age of its orders and peers, in milliseconds: the time since the start of the last successful poll. A
   * poll waits for news, so this may be some seconds under normal conditions.
   */
  get silentMs(): number {
    return this.#options.clock.monotonic() - this.#heardAt
  }

  /** The agent's report at this moment, without log lines. */
  get figures(): AgentReport {
    const { figures, view } = this.#options
    const traffic = figures.traffic()
    return {
      revision: this.#revision,
      instances: this.#supervisor?.reports ?? [],
      ended: [],
      cpu: this.#cpuShare,
      memoryBytes: process.memoryUsage.rss(),
      connections: figures.connections(),
      // Excludes the agent's own reads on behalf of the console.
      traffic: { ...traffic, fetchedBytes: Math.max(0, traffic.fetchedBytes - view.client.receivedBytes) },
      logs: [],
    }
  }

  /** Stops all instances, then informs the control plane if it is reachable. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#loops
    await this.#supervisor?.close()
    await this.#options.view.client.close()
    if (this.#agentId === '') return
    try {
      await this.#options.link.leave(this.#agentId)
    } catch (error) {
      // The control plane concludes the same from the silence, some seconds later.
      this.#options.log.warn('failed to notify the control plane that this agent has stopped', { error: String(error) })
    }
  }

  /**
   * Hands over its work: resolves when other agents have been notified and all instances have stopped, or when the
   * signal aborts. It keeps answering and reporting until it is closed.
   */
  async drain(signal: AbortSignal): Promise<void> {
    const { link, clock, log } = this.#options
    try {
      if (this.#agentId !== '') await link.drain(this.#agentId)
    } catch (error) {
      log.warn('failed to notify the control plane that this agent is stopping', { error: String(error) })
    }
    await waitOrAbort(clock, peersNoticeMs, signal)
    while (!signal.aborted && (this.#supervisor?.reports.length ?? 0) > 0) await waitOrAbort(clock, 100, signal)
  }

  async #followOrders(): Promise<void> {
    const { link, clock, log, hello } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      const askedAt = clock.monotonic()
      try {
        if (this.#agentId === '') {
          const { agentId, leaseMs, peerSecret } = await link.register(hello)
          this.#agentId = agentId
          this.#leaseMs = leaseMs
          this.#peerSecret = peerSecret
        }
        const { revision, instances, questions, peers } = await link.poll(this.#agentId, this.#revision, signal)
        this.#heardAt = askedAt
        for (const question of questions) void this.#answer(question)
        this.#options.onPeers?.(peers, this.#peerSecret)
        if (revision === this.#revision || signal.aborted) continue
        this.#orders = instances
        this.#supervisor?.follow(instances)
        this.#revision = revision
        this.#wakeReport()
      } catch (error) {
        if (error instanceof ControlError && error.code === 'agent_not_found') {
          log.warn('the control plane declared this agent lost; registering again')
          this.#orders = []
          this.#supervisor?.follow([])
          this.#agentId = ''
          this.#revision = 0
        } else
          log.warn('the control plane cannot be reached', { error: String(error), silentMs: Math.round(this.silentMs) })
        // Instances must have stopped before the lease ends and another agent starts them. Those that no other agent
        // can get keep running: their pipelines may need nothing of the cluster.
        if (this.#leaseMs > 0 && this.silentMs > this.#leaseMs / 2) {
          this.#supervisor?.follow(this.#orders.filter(({ fence }) => fence === null))
          // Its orders may be unchanged when the control plane is back, but have to be applied again.
          this.#revision = 0
        }
        await waitOrAbort(clock, retryDelayMs, signal)
      }
    }
  }

  async #answer(question: Parameters<typeof answerQuestion>[1]): Promise<void> {
    const { link, view, log } = this.#options
    const answer = await answerQuestion(view, question)
    try {
      await link.answer(this.#agentId, question.id, answer)
    } catch (error) {
      log.warn('an answer could not be sent', { question: question.name, error: String(error) })
    }
  }

  async #report(): Promise<void> {
    const { link, log, clock } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#untilReportIsDue()
      this.#measureCpu()
      if (this.#agentId === '') continue
      const logs = this.#logs
      this.#logs = []
      const ended = this.#supervisor?.takeEnded() ?? []
      try {
        await link.report(this.#agentId, { ...this.figures, logs, ended })
      } catch (error) {
        this.#supervisor?.keepEnded(ended)
        this.#logs = [...logs, ...this.#logs].slice(-maxLogLines)
        if (!signal.aborted) log.warn('a report could not be sent', { error: String(error) })
        await waitOrAbort(clock, retryDelayMs, signal)
      }
    }
  }

  async #untilReportIsDue(): Promise<void> {
    const { clock } = this.#options
    const wake = new AbortController()
    this.#wakeReport = () => wake.abort()
    const either = AbortSignal.any([this.#stop.signal, wake.signal])
    await waitOrAbort(clock, reportIntervalMs, either)
    if (wake.signal.aborted) await waitOrAbort(clock, reportDelayMs, this.#stop.signal)
  }

  #addLog(line: LogReport): void {
    if (this.#logs.length < maxLogLines) this.#logs.push(line)
  }

  #measureCpu(): void {
    const elapsedMs = performance.now() - this.#cpuAt
    if (elapsedMs < 500) return
    const { user, system } = process.cpuUsage(this.#cpu)
    this.#cpuShare = (user + system) / 1000 / elapsedMs
    this.#cpu = process.cpuUsage()
    this.#cpuAt = performance.now()
  }
}
