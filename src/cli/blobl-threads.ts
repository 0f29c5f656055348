import { once } from 'node:events'
import process from 'node:process'
import { Worker } from 'node:worker_threads'
import { workerUrl } from '../base/index.ts'
import { MAP_STACK_MB } from '../bloblang/index.ts'
import { errorPaint, red } from './blobl-colors.ts'
import type { BloblJob } from './blobl-job.ts'
import { sharedMemory, type SharedMemory } from './blobl-shared-input.ts'

/** The worker data of a thread. */
export interface ThreadData {
  readonly job: BloblJob
  /** Whether errors are shown in red. */
  readonly colored: boolean
  /** Absent if there is only one thread. */
  readonly memory?: SharedMemory
}

/**
 * Maps all lines in worker threads and resolves to the exit code. The first thread that fails ends the program.
 * Recursive maps may nest 5000 levels deep, for which only a worker's stack can be made large enough.
 */
export async function runInThreads(job: BloblJob, count: number, isRecursive: boolean): Promise<number> {
  const colored = errorPaint() === red
  const workerData: ThreadData = count === 1 ? { job, colored } : { job, colored, memory: sharedMemory() }
  const url = workerUrl(import.meta.url, './blobl.worker.ts')
  const options = { workerData, ...(isRecursive ? { resourceLimits: { stackSizeMb: MAP_STACK_MB } } : {}) }
  const ended = Array.from({ length: count }, async () => {
    const [code]: readonly number[] = await once(new Worker(url, options), 'exit')
    // The others may be waiting for the failed thread's turn.
    if (code !== 0) process.exit(code)
  })
  await Promise.all(ended)
  return 0
}
