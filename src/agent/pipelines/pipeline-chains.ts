import { Worker } from 'node:worker_threads'
import process from 'node:process'
import { workerUrl } from '../../base/index.ts'
import type { ChainEvent, ChainThread, Node } from '../../engine/index.ts'
import type { ChainPulse, ChainThreadData, ThreadData } from './protocol.ts'
import { outOfMemory, type PipelineFailure, SilenceWatch, watchIntervalMs } from './thread-watch.ts'

/**
 * The threads that run the processors of this thread's pipelines (`pipeline.threads`). Each is subject to the grants
 * and limits of this thread: one that is stuck or out of memory fails its pipeline, as it would inline.
 */
export class PipelineChains {
  readonly #data: ThreadData
  readonly #threads = new Map<Worker, ChainPulse>()
  #endedCpuMs = 0

  constructor(data: ThreadData) {
    this.#data = data
  }

  get count(): number {
    return this.#threads.size
  }

  /** Heap and buffers of all of them, in bytes. */
  get memoryBytes(): number {
    return this.#sum('memoryBytes')
  }

  /** Processor time of all of them, including those that have ended, in milliseconds. */
  get cpuMs(): number {
    return this.#endedCpuMs + this.#sum('cpuMs')
  }

  /** Starts threads for one pipeline; `fail` is called when one of them reached a limit. */
  starter(fail: (failure: PipelineFailure) => void): (config: Node) => ChainThread {
    return config => this.#start(config, fail)
  }

  #start(config: Node, fail: (failure: PipelineFailure) => void): ChainThread {
    const { limits } = this.#data
    const workerData: ChainThreadData = { ...this.#data, order: { config, importFolder: process.cwd() } }
    const worker = new Worker(workerUrl(import.meta.url, './pipeline-chain.worker.ts'), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
    })
    const silence = new SilenceWatch(worker, limits)
    let isStarting = true
    this.#threads.set(worker, { kind: 'pulse', memoryBytes: 0, cpuMs: 0 })
    const watch = setInterval(() => {
      const failure = silence.check(isStarting)
      if (failure === null) return
      clearInterval(watch)
      fail(failure)
    }, watchIntervalMs)
    worker.on('message', (event: ChainEvent | ChainPulse) => {
      if (event.kind === 'ready') isStarting = false
      if (event.kind !== 'pulse') return
      silence.pulse(event.cpuMs)
      this.#threads.set(worker, event)
    })
    worker.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') fail(outOfMemory(limits))
    })
    worker.once('exit', () => {
      clearInterval(watch)
      this.#endedCpuMs += this.#threads.get(worker)!.cpuMs
      this.#threads.delete(worker)
    })
    return chainThread(worker)
  }

  #sum(figure: 'memoryBytes' | 'cpuMs'): number {
    return [...this.#threads.values()].reduce((sum, pulse) => sum + pulse[figure], 0)
  }
}

/** The worker as the engine sees it: without its pulses. */
function chainThread(worker: Worker): ChainThread {
  return {
    postMessage: (call, moved) => worker.postMessage(call, moved),
    terminate: () => worker.terminate(),
    on: (event: string, listener: (value: never) => void) =>
      worker.on(event, (value: unknown) => {
        // The interface has one signature per event, which a single function cannot express.
        if (event !== 'message' || (value as ChainEvent | ChainPulse).kind !== 'pulse') listener(value as never)
      }),
  }
}
