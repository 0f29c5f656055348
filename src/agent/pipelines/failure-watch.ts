import type { PipelineCounters } from '../../control/index.ts'

/** A single failed message is no pattern; after so long without any success it is. In milliseconds. */
const failingAfterMs = 5000

/**
 * Notices when every message of a pipeline fails: the output refuses all of them, or each one fails in a processor and the
 * configuration does not handle that.
 */
export class FailureWatch {
  readonly #handlesErrors: boolean
  #last: PipelineCounters | null = null
  /** Since when there were failures and no success, in monotonic milliseconds. */
  #failingSince: number | null = null
  #problem: string | null = null

  constructor(handlesErrors: boolean) {
    this.#handlesErrors = handlesErrors
  }

  /** Takes the newest figures and answers what is wrong, or null. */
  observe(now: number, counters: PipelineCounters, lastError: string | null): string | null {
    const last = this.#last ?? counters
    this.#last = counters
    const delta = (name: keyof PipelineCounters) => counters[name] - last[name]
    const failure = this.#failure(delta)
    if (failure === 'none') {
      this.#failingSince = null
      this.#problem = null
    } else if (failure !== 'unknown') {
      this.#failingSince ??= now
      if (now - this.#failingSince >= failingAfterMs)
        this.#problem = lastError === null ? failure : `${failure}: ${lastError}`
    }
    return this.#problem
  }

  /** What went wrong since the last look, `none` where something went well, `unknown` where nothing happened. */
  #failure(delta: (name: keyof PipelineCounters) => number): string {
    const [received, sent] = [delta('input_received'), delta('output_sent')]
    const failedInProcessors = delta('processor_errors')
    if (sent === 0 && delta('output_errors') > 0) return 'every message fails at the output'
    if (!this.#handlesErrors && failedInProcessors > 0 && failedInProcessors >= Math.max(received, sent))
      return 'every message fails in a processor'
    if (sent > 0) return 'none'
    return 'unknown'
  }
}
