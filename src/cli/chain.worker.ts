// A thread of `pipeline.threads`: runs the processors of a stream that another thread owns.
import { parentPort, workerData } from 'node:worker_threads'
import { type ChainOrder, serveChain } from '../engine/index.ts'
import { fileImporter, systemHost } from '../host/index.ts'
import { commandLineRegistry } from './registry.ts'

const order = workerData as ChainOrder // set by the thread that starts this one
await serveChain(parentPort!, order, {
  registry: commandLineRegistry(),
  host: systemHost,
  importer: fileImporter(order.importFolder),
})
