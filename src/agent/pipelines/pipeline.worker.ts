// A thread that runs pipelines: everything that their configurations do happens here.
import process from 'node:process'
import { workerData } from 'node:worker_threads'
import { guardSockets } from '../../host/index.ts'
import { PipelineChains } from './pipeline-chains.ts'
import { HostedStream } from './hosted-stream.ts'
import type { StreamPulse, ThreadData, ThreadMessage, ThreadOrder } from './protocol.ts'
import { threadMemoryBytes } from './thread-memory.ts'
import { pulseIntervalMs, setUpThread } from './thread-setup.ts'

const { policy, niceness, limits } = workerData as ThreadData // set by the thread that starts this one
const { port, host } = setUpThread({ policy, niceness })
const streams = new Map<string, HostedStream>()
const chains = new PipelineChains({ policy, niceness, limits })
guardSockets(policy, host, path => [...streams.values()].some(({ socketPath }) => socketPath === path))

port.on('message', (message: ThreadOrder) => {
  if (message.kind === 'stop') return streams.get(message.stream)?.stop(message.timeoutMs)
  const { stream, order } = message
  const startChain = chains.starter(failure => post({ stream, kind: 'failed', ...failure }))
  const hosted = new HostedStream(order, host, startChain, event => {
    const isOver = event.kind === 'ended' || event.kind === 'failed'
    if (isOver) {
      // Sends its last figures before its end.
      beat()
      streams.delete(stream)
    }
    post({ stream, ...event })
  })
  streams.set(stream, hosted)
})

setInterval(beat, pulseIntervalMs)

function beat(): void {
  const { user, system } = process.threadCpuUsage()
  const pulses: StreamPulse[] = []
  for (const [stream, hosted] of streams) {
    const pulse = hosted.takePulse()
    if (pulse !== null) pulses.push({ stream, ...pulse })
  }
  post({
    kind: 'pulse',
    memoryBytes: threadMemoryBytes() + chains.memoryBytes,
    cpuMs: (user + system) / 1000,
    chains: { count: chains.count, cpuMs: chains.cpuMs },
    streams: pulses,
  })
}

function post(message: ThreadMessage): void {
  port.postMessage(message)
}
