import { dirname, resolve } from 'node:path'
import process from 'node:process'
import { Worker } from 'node:worker_threads'
import { workerUrl } from '../base/index.ts'
import type { ChainOrder, Node } from '../engine/index.ts'

/**
 * Memory of a thread for new objects, in MiB, unless `bin/penstock` limits it for all threads. With V8's default of 48,
 * one takes about 25 MB more, and no less processor time.
 */
const YOUNG_MB = 12

/** Starts threads for the processors of a configuration; its mappings import files from the folder that it is in. */
export function chainThreadStarter(configPath: string): (config: Node) => Worker {
  const importFolder = configPath === '' ? process.cwd() : dirname(resolve(configPath))
  return config => {
    const workerData: ChainOrder = { config, importFolder }
    return new Worker(workerUrl(import.meta.url, './chain.worker.ts'), {
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    })
  }
}
