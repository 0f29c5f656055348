// A thread of `pipeline.threads` of a managed pipeline: runs its processors for the thread that runs the pipeline.
import { setPriority } from 'node:os'
import process from 'node:process'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../../base/index.ts'
import { createRegistry } from '../../components/index.ts'
import { serveChain } from '../../engine/index.ts'
import { fileImporter, grantedHost, guardSockets } from '../../host/index.ts'
import type { ChainPulse, ChainThreadData } from './protocol.ts'
import { threadMemoryBytes } from './thread-memory.ts'

const pulseIntervalMs = 500

assert(parentPort !== null, 'processors of pipelines run in threads of their own')
const port = parentPort
const { policy, niceness, order } = workerData as ChainThreadData // set by the thread that starts this one
const host = grantedHost(policy)
// On Linux a thread has a priority of its own, and 0 names the calling one; elsewhere it would be the whole agent's.
if (process.platform === 'linux' && niceness > 0) setPriority(0, niceness)
guardSockets(policy, host, () => false)
setInterval(beat, pulseIntervalMs)
await serveChain(port, order, { registry: createRegistry(), host, importer: fileImporter(order.importFolder, host) })

function beat(): void {
  const { user, system } = process.threadCpuUsage()
  const pulse: ChainPulse = { kind: 'pulse', memoryBytes: threadMemoryBytes(), cpuMs: (user + system) / 1000 }
  port.postMessage(pulse)
}
