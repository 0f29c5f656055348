import { asError, messageOf } from '../../base/index.ts'
import {
  type Batch,
  ConfigError,
  defineOutput,
  field,
  isClosing,
  Limiter,
  type Output,
  type OutputHandle,
  pause,
  type Resources,
} from '../../engine/index.ts'
import { compilePattern, type Pattern } from './pattern.ts'

export default defineOutput({
  name: 'drop_on',
  categories: ['Utility'],
  summary: 'Drops messages that an output rejects or cannot deliver in time.',
  config: field.object({
    error: field.bool('Whether rejected messages are dropped.').default(false),
    error_patterns: field
      .string('Regular expressions; rejected messages are dropped if the error matches one of them.')
      .list()
      .optional(),
    back_pressure: field.duration('How long delivery may take before a message is dropped.').default(''),
    output: field.output('The output.'),
  }),
  // High enough for an inner output that forms batches.
  maxInFlight: 64,
  composes: true,
  async create(config, resources) {
    const patterns = config.error_patterns ?? []
    if (patterns.length > 0 && config.error) {
      throw new ConfigError("field 'error_patterns' is ineffective when 'error' is set to `true`")
    }
    const compiled = patterns.map((pattern, index) =>
      compilePattern(pattern, `error pattern ${index} failed to compile`),
    )
    return new DropOnOutput(
      await resources.output(config.output),
      config.error,
      compiled,
      config.back_pressure,
      resources,
    )
  },
})

class DropOnOutput implements Output {
  readonly #output: OutputHandle
  readonly #onError: boolean
  readonly #patterns: readonly Pattern[]
  readonly #limitMs: number | undefined
  readonly #resources: Resources
  /** With a time limit only one batch is in flight, because its duration shows whether the output is stuck. */
  readonly #gate = new Limiter(1)
  #stuck = false

  constructor(
    output: OutputHandle,
    onError: boolean,
    patterns: readonly Pattern[],
    limitMs: number | undefined,
    resources: Resources,
  ) {
    this.#output = output
    this.#onError = onError
    this.#patterns = patterns
    this.#limitMs = limitMs
    this.#resources = resources
  }

  async write(batch: Batch): Promise<void> {
    try {
      await (this.#limitMs === undefined || this.#limitMs <= 0
        ? this.#output.write(batch)
        : this.#oneInTime(batch, this.#limitMs))
    } catch (error) {
      if (isClosing(error)) throw error
      if (!this.#drops(asError(error))) throw error
    }
  }

  #drops(error: Error): boolean {
    const { log } = this.#resources
    if (this.#onError) {
      log.warn(`Message dropped due to: ${error.message}`)
      return true
    }
    const index = this.#patterns.findIndex(pattern => pattern.matches(error.message))
    if (index >= 0) log.warn(`Message dropped due to error matching pattern ${index}: ${error.message}`)
    return index >= 0
  }

  async #oneInTime(batch: Batch, limitMs: number): Promise<void> {
    await this.#gate.enter()
    try {
      await this.#inTime(batch, limitMs)
    } finally {
      this.#gate.leave()
    }
  }

  /** Does not hand new batches to a stuck output. */
  async #inTime(batch: Batch, limitMs: number): Promise<void> {
    if (this.#stuck && !this.#output.hasRoom) throw this.#late(limitMs)
    const writing = this.#output.write(batch)
    const timer = new AbortController()
    const inTime = await Promise.race([
      writing.then(() => true),
      pause(limitMs, timer.signal).then(() => false),
    ]).finally(() => timer.abort())
    this.#stuck = !inTime
    if (inTime) return
    writing.catch((error: unknown) => this.#resources.log.debug(`A dropped message failed: ${messageOf(error)}`))
    throw this.#late(limitMs)
  }

  #late(limitMs: number): Error {
    this.#resources.log.warn('Message dropped due to back pressure.')
    return new Error(`experienced back pressure beyond: ${durationText(limitMs)}`)
  }
}

function durationText(ms: number): string {
  return ms < 1000 ? `${ms}ms` : `${ms / 1000}s`
}
