import { Worker } from 'node:worker_threads'
import { workerUrl } from '../../base/index.ts'
import { grantedEnvironment } from '../../host/index.ts'
import type { PipelineWorkerData, StopMessage, WorkerMessage, WorkerPulse } from './protocol.ts'

export interface ThreadLimits {
  /** Of the JavaScript heap and of buffers together, in mebibytes. */
  readonly memoryMb: number
  /** A thread that says nothing for so long is stuck, in milliseconds. */
  readonly silentMs: number
  /** How long messages on their way may take when the instance is stopped, in milliseconds. */
  readonly graceMs: number
}

const askHeapAfterMs = 1500
/** A thread that is silent for so long while it is told to stop would not deliver anything in its time of grace either. */
const silentStopMs = 3000

/** How a thread came to its end. */
export type ThreadEnd =
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

export interface ThreadListener {
  onStarted(): void
  onPulse(pulse: WorkerPulse): void
  onEndpoints(paths: readonly string[]): void
  /** A line that the pipeline wrote to its standard output or error. */
  onOutput(line: string): void
}

/**
 * Runs a stream in a thread of its own until it ends, fails, or the signal stops it. A thread that is stuck or takes more
 * than its share is killed; the threads beside it do not notice.
 */
export async function runThread(
  name: string,
  data: PipelineWorkerData,
  limits: ThreadLimits,
  listener: ThreadListener,
  signal: AbortSignal,
): Promise<ThreadEnd> {
  const worker = new Worker(workerUrl(import.meta.url, './pipeline.worker.ts'), {
    name,
    workerData: data,
    env: grantedEnvironment(data.policy.grants, process.env),
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
  })
  let end: ThreadEnd | undefined
  let lastSign = performance.now()
  const kill = (code: string, message: string) => {
    end ??= { kind: 'failed', code, message }
    void worker.terminate()
  }
  const limitBytes = limits.memoryMb * 1024 * 1024
  let usedBytes = 0
  const watch = setInterval(() => {
    const silentMs = performance.now() - lastSign
    if (silentMs < askHeapAfterMs) return
    // A thread that collects garbage all the time is as silent as one in a loop; its heap can be asked for all the same.
    worker.getHeapStatistics().then(
      heap => (usedBytes = heap.used_heap_size + heap.external_memory),
      () => {}, // it has ended meanwhile
    )
    // Buffers are not part of the heap that the limit of the thread itself is about.
    if (usedBytes > limitBytes * 1.1) return kill('out_of_memory', outOfMemory(limits))
    if (signal.aborted && silentMs >= silentStopMs) return void worker.terminate()
    if (silentMs < limits.silentMs) return
    if (usedBytes > limitBytes * 0.7) return kill('out_of_memory', outOfMemory(limits))
    kill(
      'unresponsive',
      `the pipeline did not respond for ${limits.silentMs / 1000} s and was stopped: it may be in an endless loop`,
    )
  }, 500)
  let killTimer: NodeJS.Timeout | undefined
  const stop = () => {
    const message: StopMessage = { kind: 'stop', timeoutMs: limits.graceMs }
    worker.postMessage(message)
    killTimer = setTimeout(() => void worker.terminate(), limits.graceMs + 1000)
  }
  worker.on('message', (message: WorkerMessage) => {
    lastSign = performance.now()
    switch (message.kind) {
      case 'started':
        return listener.onStarted()
      case 'pulse':
        listener.onPulse(message)
        if (message.memoryBytes > limitBytes * 1.1) kill('out_of_memory', outOfMemory(limits))
        return
      case 'endpoints':
        return listener.onEndpoints(message.paths)
      case 'ended':
        end ??= { kind: 'ended' }
        return
      case 'failed':
        end ??= { kind: 'failed', code: message.code, message: message.message }
        return
      default:
        message satisfies never
    }
  })
  worker.on('error', (error: Error & { code?: string }) => {
    if (error.code === 'ERR_WORKER_OUT_OF_MEMORY')
      end ??= { kind: 'failed', code: 'out_of_memory', message: outOfMemory(limits) }
    else end ??= { kind: 'failed', code: 'crashed', message: error.message }
  })
  forwardLines(worker, listener)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  const exitCode = await new Promise<number>(resolve => worker.once('exit', resolve))
  clearInterval(watch)
  clearTimeout(killTimer)
  signal.removeEventListener('abort', stop)
  if (signal.aborted) return { kind: 'ended' }
  return end ?? { kind: 'failed', code: 'crashed', message: `the pipeline's thread ended with exit code ${exitCode}` }
}

function outOfMemory({ memoryMb }: ThreadLimits): string {
  return `the pipeline needed more than its ${memoryMb} MiB of memory and was stopped`
}

function forwardLines(worker: Worker, listener: ThreadListener): void {
  for (const stream of [worker.stdout, worker.stderr]) {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()!.slice(-4096)
      for (const line of lines.slice(-100)) listener.onOutput(line)
    })
  }
}
