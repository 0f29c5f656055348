import { join } from 'node:path'
import { type Clock, waitOrAbort } from '../../base/index.ts'
import { fenceFeature } from '../../broker/index.ts'
import { type InstanceOrder, type InstanceReport, type LogReport, readSettings } from '../../control/index.ts'
import type { Fence } from '../../metadata/index.ts'
import type { KafkaAccess } from '../cluster/kafka-client.ts'
import type { Login } from '../logins.ts'
import type { PipelineHttpServer } from './http-server.ts'
import type { StreamEnd, StreamFigures, StreamListener } from './pipeline-thread.ts'
import type { StreamLog, StreamOrder } from './protocol.ts'
import { type Sharing, sharingOf } from './sharing.ts'
import type { StartQueue } from './start-queue.ts'
import type { ThreadPool } from './thread-pool.ts'

const firstDelayMs = 1000
const maxDelayMs = 60_000
/** After a run of this length, the next failure starts again with the shortest delay. */
const healthyRunMs = 60_000

/**
 * A start that takes longer than this, in milliseconds, is waiting for something other than a processor, so others may
 * start.
 */
const maxStartMs = 15_000

/** Callbacks for changes of instances. */
export interface SupervisorEvents {
  readonly onLog: (line: LogReport) => void
  /** Called when a report would differ in more than its counters. */
  readonly onChange: () => void
}

/** What all instances of an agent share. */
export interface InstanceHost extends SupervisorEvents {
  readonly seedBroker: string
  readonly clientId: string
  readonly kafkaAccess: KafkaAccess
  /**
   * Makes writes of earlier holders of the fence fail from now on. Resolves to false if a later holder has it already.
   */
  readonly raiseFence: (fence: Fence) => Promise<boolean>
  readonly threads: ThreadPool
  readonly starts: StartQueue
  /** The folder of the sockets of their HTTP endpoints. */
  readonly socketFolder: string
  readonly http: PipelineHttpServer | undefined
  readonly clock: Clock
}

type Counters = InstanceReport['counters']
const zeroCounters: Counters = {
  input_received: 0,
  output_sent: 0,
  input_errors: 0,
  output_errors: 0,
  processor_errors: 0,
}

const idleFigures: Omit<StreamFigures, 'logs'> = { counters: zeroCounters, problem: null, memoryBytes: 0, cpu: 0 }

/**
 * One instance of a pipeline's version: runs it, and restarts it after a failure or on its schedule, until it is
 * stopped.
 */
export class Instance {
  readonly order: InstanceOrder
  readonly #host: InstanceHost
  readonly #stop = new AbortController()
  readonly #finished: Promise<void>
  #state: InstanceReport['state'] = 'starting'
  #since: number
  #restarts = 0
  #nextStartAt: number | null = null
  #error: InstanceReport['error'] = null
  /** Of completed runs. */
  #past: Counters = zeroCounters
  #figures: Omit<StreamFigures, 'logs'> = idleFigures
  /** Set permanently when it had to leave a shared thread. */
  #isDisplaced = false

  constructor(order: InstanceOrder, host: InstanceHost) {
    this.order = order
    this.#host = host
    this.#since = host.clock.now()
    this.#finished = this.#run()
  }

  get report(): InstanceReport {
    const { instanceId, pipelineId, configurationId, version } = this.order
    return {
      instanceId,
      pipelineId,
      configurationId,
      version,
      state: this.#state,
      since: this.#since,
      restarts: this.#restarts,
      nextStartAt: this.#nextStartAt,
      error: this.#error,
      problem: this.#state === 'running' ? this.#figures.problem : null,
      counters: add(this.#past, this.#figures.counters),
      memoryBytes: this.#figures.memoryBytes,
      cpu: this.#figures.cpu,
    }
  }

  /** Resolves when nothing of it is running any more. */
  async stop(): Promise<void> {
    if (!this.#stop.signal.aborted) {
      this.#set('stopping')
      this.#stop.abort()
    }
    await this.#finished
  }

  async #run(): Promise<void> {
    const { clock } = this.#host
    const { settings, streamText } = readSettings(this.order.yaml)
    const sharing = sharingOf(streamText)
    const { signal } = this.#stop
    let delayMs = firstDelayMs
    let start: 'first' | 'restart' = 'first'
    while (!signal.aborted) {
      this.#set('starting')
      const endStart = await this.#host.starts.enter(start, signal)
      if (endStart === null) return
      const startedAt = clock.now()
      const end = await this.#runOnce(
        { streamText, exactlyOnce: settings.exactlyOnce },
        this.#isDisplaced ? 'alone' : sharing,
        endStart,
      )
      if (signal.aborted) return
      if (end.kind === 'ended') {
        if (settings.runEveryMs === null) return this.#set('completed')
        await this.#wait('completed', Math.max(0, startedAt + settings.runEveryMs - clock.now()))
        continue
      }
      if (end.kind === 'displaced') {
        this.#isDisplaced = true
        const message = `pipeline goes on in a thread of its own: ${end.reason}`
        this.#log({ at: clock.now(), level: 'info', message, fields: {} })
        continue
      }
      this.#error = { code: end.code, message: end.message, at: clock.now() }
      if (clock.now() - startedAt >= healthyRunMs) delayMs = firstDelayMs
      this.#log({
        at: clock.now(),
        level: 'error',
        message: `pipeline failed: ${end.message}`,
        fields: { code: end.code },
      })
      await this.#wait('backing_off', delayMs)
      delayMs = Math.min(delayMs * 2, maxDelayMs)
      start = 'restart'
      this.#restarts++
    }
  }

  async #runOnce(
    stream: Pick<StreamOrder, 'streamText' | 'exactlyOnce'>,
    sharing: Sharing,
    endStart: () => void,
  ): Promise<StreamEnd> {
    const { seedBroker, clientId, kafkaAccess, raiseFence, socketFolder, threads, http, clock } = this.#host
    const { instanceId, pipelineName, fence } = this.order
    const socketPath = join(socketFolder, `${instanceId.replace(/^ins_/, '').replaceAll('_', '').slice(0, 20)}.sock`)
    let withdraw = () => {}
    let login: Login | undefined
    const started = new AbortController()
    void waitOrAbort(clock, maxStartMs, started.signal).then(endStart)
    const listener: StreamListener = {
      onStarted: () => {
        started.abort()
        this.#set('running')
      },
      onPulse: figures => this.#onFigures(figures),
      onEndpoints: paths => {
        withdraw()
        const { pipelineId } = this.order
        withdraw = http?.offer({ pipelineId, pipelineName, paths, socketPath }) ?? (() => {})
      },
      onOutput: line => this.#log({ at: clock.now(), level: 'info', message: line, fields: { stream: 'stdout' } }),
    }
    try {
      if (fence !== null && !(await raiseFence(fence)))
        return { kind: 'failed', code: 'crashed', message: 'another agent runs this instance now' }
      // A thread that cannot even be created (too many threads, no memory) is one more failure to retry.
      login = await kafkaAccess.logins?.create()
      const clientIdSuffix = fence === null ? '' : fenceFeature(fence)
      const { isEncrypted } = kafkaAccess
      const order = { ...stream, seedBroker, clientId, clientIdSuffix, isEncrypted, login, socketPath }
      return await threads.run(pipelineName, instanceId, sharing, order, listener, this.#stop.signal)
    } catch (error) {
      return { kind: 'failed', code: 'crashed', message: `the pipeline's thread could not run: ${String(error)}` }
    } finally {
      started.abort()
      withdraw()
      if (login !== undefined) void kafkaAccess.logins?.remove(login)
      this.#past = add(this.#past, this.#figures.counters)
      this.#figures = idleFigures
    }
  }

  #onFigures({ counters, problem, logs, memoryBytes, cpu }: StreamFigures): void {
    const changed = problem !== this.#figures.problem
    this.#figures = { counters, problem, memoryBytes, cpu }
    for (const line of logs) this.#log(line)
    if (changed) this.#host.onChange()
  }

  #log(line: StreamLog): void {
    const { instanceId, pipelineId } = this.order
    this.#host.onLog({ ...line, instanceId, pipelineId })
  }

  async #wait(state: 'completed' | 'backing_off', delayMs: number): Promise<void> {
    const { clock } = this.#host
    this.#nextStartAt = clock.now() + delayMs
    this.#set(state)
    await waitOrAbort(clock, delayMs, this.#stop.signal)
    this.#nextStartAt = null
  }

  #set(state: InstanceReport['state']): void {
    if (this.#stop.signal.aborted) return
    this.#state = state
    this.#since = this.#host.clock.now()
    this.#host.onChange()
  }
}

function add(a: Counters, b: Counters): Counters {
  return {
    input_received: a.input_received + b.input_received,
    output_sent: a.output_sent + b.output_sent,
    input_errors: a.input_errors + b.input_errors,
    output_errors: a.output_errors + b.output_errors,
    processor_errors: a.processor_errors + b.processor_errors,
  }
}
