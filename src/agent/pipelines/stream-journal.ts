import type { LogFields, LogLevel } from '../../base/index.ts'
import type { PipelineCounters } from '../../control/index.ts'
import type { StreamStatus } from '../../engine/index.ts'
import type { StreamLog, StreamPulse } from './protocol.ts'

/** More lines per pulse cannot be read by anyone, and would fill the agent's memory. */
const maxLogsPerPulse = 100
const maxMessageLength = 4096

/** Collects what is to be reported about a stream between two pulses. */
export class StreamJournal {
  #logs: StreamLog[] = []
  #dropped = 0
  /** The latest error since input and output were connected. */
  #lastError: string | null = null
  #reported = ''

  add(level: LogLevel, message: string, fields: LogFields): void {
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

  /** The changes since the last call, or null if there are none. */
  take(counters: PipelineCounters, status: StreamStatus | undefined): Omit<StreamPulse, 'stream'> | null {
    const logs = this.#takeLogs()
    const problem = this.#connectionProblem(status)
    const figures = JSON.stringify([counters, problem])
    if (logs.length === 0 && figures === this.#reported) return null
    this.#reported = figures
    return { counters, logs, problem }
  }

  #takeLogs(): readonly StreamLog[] {
    const [logs, dropped] = [this.#logs, this.#dropped]
    this.#logs = []
    this.#dropped = 0
    if (dropped > 0)
      logs.push({ at: Date.now(), level: 'warn', message: `${dropped} more lines were left out`, fields: {} })
    return logs
  }

  #connectionProblem(status: StreamStatus | undefined): string | null {
    if (status === undefined) return null
    if (status.inputConnected && status.outputConnected) this.#lastError = null
    // Without an error it is connecting for the first time, or has ended.
    if (this.#lastError === null) return null
    return `${status.inputConnected ? 'output' : 'input'} not connected: ${this.#lastError}`
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
