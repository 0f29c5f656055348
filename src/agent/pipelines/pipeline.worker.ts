// The thread of one pipeline instance. Whatever its configuration does, it does here and nowhere else.
import { parentPort, workerData } from 'node:worker_threads'
import { assert, systemClock } from '../../base/index.ts'
import { createRegistry } from '../../components/index.ts'
import { managedComponents } from '../../control/index.ts'
import {
  ConfigError,
  InitError,
  loadConfig,
  makeLog,
  MetricsStore,
  plainValue,
  severityOf,
  startStream,
  type Node,
  type Stream,
  substituteEnv,
  valueOf,
} from '../../engine/index.ts'
import { fileImporter, grantedHost, guardSockets } from '../../host/index.ts'
import type { PipelineWorkerData, StopMessage, WorkerMessage } from './protocol.ts'
import { Pulse } from './worker-pulse.ts'
import { WorkerHttpHost } from './worker-http-host.ts'

assert(parentPort !== null, 'a pipeline runs in a thread of its own')
const port = parentPort
const data = workerData as PipelineWorkerData
const store = new MetricsStore()
let stream: Stream | undefined
const pulse = new Pulse(
  store,
  () => stream?.status,
  message => post(message),
)
let stopTimeoutMs: number | undefined

port.on('message', ({ timeoutMs }: StopMessage) => {
  stopTimeoutMs = timeoutMs
  // Before it has started there is nothing to stop yet; it is stopped as soon as it has.
  if (stream !== undefined) void stop(stream, timeoutMs)
})

try {
  stream = await start()
  post({ kind: 'started' })
  if (stopTimeoutMs !== undefined) void stop(stream, stopTimeoutMs)
  await stream.done
  finish({ kind: 'ended' })
} catch (error) {
  const code = error instanceof ConfigError || error instanceof InitError ? 'configuration' : 'stream'
  finish({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) })
}

async function start(): Promise<Stream> {
  const { streamText, seedBroker, clientId, policy, socketPath } = data
  const host = grantedHost(policy)
  guardSockets(policy, host, socketPath)
  const registry = await managedComponents(createRegistry(), { seedBroker, clientId })
  const node = await loadConfig(substituteEnv(streamText, name => host.env(name)).text, registry)
  const http = new WorkerHttpHost(socketPath, paths => post({ kind: 'endpoints', paths }))
  const log = makeLog(severityOf(logLevel(node)), {}, (level, message, fields) => pulse.addLog(level, message, fields))
  const importer = fileImporter(process.cwd(), host)
  return await startStream(node, { registry, host, importer, clock: systemClock, log, http, metrics: store.metrics })
}

async function stop(running: Stream, timeoutMs: number): Promise<void> {
  await running.stop(timeoutMs)
  // A stream that did not end in time is given up with its thread.
  finish({ kind: 'ended' })
}

/** Says the last word and lets the thread end; what may still hang in it ends with it. */
function finish(message: WorkerMessage): void {
  pulse.close()
  post(message)
  port.close()
  // The message has to leave the thread first, which takes a turn of the event loop.
  setImmediate(() => process.exit(0))
}

function post(message: WorkerMessage): void {
  port.postMessage(message)
}

function logLevel(node: Node): string {
  const logger = valueOf(node, 'logger')
  const level = logger === undefined ? undefined : valueOf(logger, 'level')
  const value = level === undefined ? undefined : plainValue(level)
  return typeof value === 'string' ? value : 'INFO'
}
