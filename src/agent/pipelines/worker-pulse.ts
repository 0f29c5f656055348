import { getHeapStatistics } from 'node:v8'
import type { LogFields, LogLevel } from '../../base/index.ts'
import type { MetricsStore, Sample, StreamStatus } from '../../engine/index.ts'
import type { PipelineCounters } from '../../control/index.ts'
import type { WorkerLog, WorkerPulse } from './protocol.ts'

const intervalMs = 500
/** A pipeline that logs each message would otherwise fill the agent with lines that nobody can read. */
const maxLogsPerPulse = 100
const maxMessageLength = 4096

/** Tells the agent twice a second how the pipeline goes. */
export class Pulse {
  readonly #store: MetricsStore
  readonly #status: () => StreamStatus | undefined
  readonly #send: (pulse: WorkerPulse) => void
  readonly #timer: NodeJS.Timeout
  #logs: WorkerLog[] = []
  #dropped = 0
  /** The newest line about an error since everything was connected. */
  #lastError: string | null = null
  #cpu = process.threadCpuUsage()
  #at = performance.now()

  constructor(store: MetricsStore, status: () => StreamStatus | undefined, send: (pulse: WorkerPulse) => void) {
    this.#store = store
    this.#status = status
    this.#send = send
    this.#timer = setInterval(() => this.#beat(), intervalMs)
  }

  addLog(level: LogLevel, message: string, fields: LogFields): void {
    if (level === 'error') this.#lastError = cut(message)
    if (this.#logs.length >= maxLogsPerPulse) {
      this.#dropped++
      return
    }
    const entries = Object.entries(fields).filter(([, value]) => value !== '' && value !== undefined)
    this.#logs.push({
      at: Date.now(),
      level,
      message: cut(message),
      fields: Object.fromEntries(entries.map(([key, value]) => [key, cut(toText(value))])),
    })
  }

  /** Tells the last state and stops. */
  close(): void {
    clearInterval(this.#timer)
    this.#beat()
  }

  #problem(): string | null {
    const status = this.#status()
    if (status === undefined) return null
    if (status.inputConnected && status.outputConnected) this.#lastError = null
    // Without an error it is about to connect for the first time, or has come to its end.
    if (this.#lastError === null) return null
    return `${status.inputConnected ? 'output' : 'input'} not connected: ${this.#lastError}`
  }

  #beat(): void {
    const [logs, dropped] = [this.#logs, this.#dropped]
    this.#logs = []
    this.#dropped = 0
    if (dropped > 0)
      logs.push({ at: Date.now(), level: 'warn', message: `${dropped} more lines were left out`, fields: {} })
    const usage = process.threadCpuUsage(this.#cpu)
    const now = performance.now()
    const cpu = (usage.user + usage.system) / 1000 / Math.max(1, now - this.#at)
    this.#cpu = process.threadCpuUsage()
    this.#at = now
    const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
    const counters = countersOf(this.#store.samples(), this.#status()?.readErrors ?? 0)
    this.#send({
      kind: 'pulse',
      counters,
      problem: this.#problem(),
      logs,
      memoryBytes: heap + external,
      cpu: Math.min(1, cpu),
    })
  }
}

/** What went in at the front and out at the end; what components inside a broker count is part of it already. */
function countersOf(samples: readonly Sample[], readErrors: number): PipelineCounters {
  const sum = (name: string, path?: string) =>
    samples
      .filter(sample => sample.name === name && (path === undefined || sample.labels['path'] === path))
      .reduce((total, { value }) => total + value, 0)
  return {
    input_received: sum('input_received', 'root.input'),
    output_sent: sum('output_sent', 'root.output'),
    input_errors: readErrors + sum('input_connection_failed') + sum('input_connection_lost'),
    output_errors: sum('output_error') + sum('output_connection_failed') + sum('output_connection_lost'),
    processor_errors: sum('processor_error'),
  }
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return value.message
  return JSON.stringify(value) ?? String(value)
}

function cut(text: string): string {
  return text.length > maxMessageLength ? `${text.slice(0, maxMessageLength)}…` : text
}
