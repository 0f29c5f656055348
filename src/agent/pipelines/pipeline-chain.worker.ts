// A thread of `pipeline.threads` of a managed pipeline: runs its processors for the thread that runs the pipeline.
import process from 'node:process'
import { workerData } from 'node:worker_threads'
import { createRegistry } from '../../components/index.ts'
import { serveChain } from '../../engine/index.ts'
import { fileImporter, guardSockets } from '../../host/index.ts'
import type { ChainPulse, ChainThreadData } from './protocol.ts'
import { threadMemoryBytes } from './thread-memory.ts'
import { pulseIntervalMs, setUpThread } from './thread-setup.ts'

const { policy, niceness, order } = workerData as ChainThreadData // set by the thread that starts this one
const { port, host } = setUpThread({ policy, niceness })
guardSockets(policy, host, () => false)
setInterval(beat, pulseIntervalMs)
await serveChain(port, order, { registry: createRegistry(), host, importer: fileImporter(order.importFolder, host) })

function beat(): void {
  const { user, system } = process.threadCpuUsage()
  const pulse: ChainPulse = { kind: 'pulse', memoryBytes: threadMemoryBytes(), cpuMs: (user + system) / 1000 }
  port.postMessage(pulse)
}
