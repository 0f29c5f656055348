import type { PipelineCounters } from '../../control/index.ts'
import { type Counter, type Metrics, nullMetrics } from '../../engine/index.ts'

interface Figures {
  inputReceived: number
  outputSent: number
  inputErrors: number
  outputErrors: number
  processorErrors: number
}

type Figure = keyof Figures

/** Where the figure is counted once for the whole stream; counts of components inside a broker are already included. */
const atPath: Readonly<Record<string, readonly [path: string, figure: Figure]>> = {
  input_received: ['root.input', 'inputReceived'],
  output_sent: ['root.output', 'outputSent'],
}

const anywhere: Readonly<Record<string, Figure>> = {
  input_connection_failed: 'inputErrors',
  input_connection_lost: 'inputErrors',
  output_error: 'outputErrors',
  output_connection_failed: 'outputErrors',
  output_connection_lost: 'outputErrors',
  processor_error: 'processorErrors',
}

/**
 * Counts only what the control plane shows of a stream: reading all series of a hundred streams twice a second would
 * cost more than the streams.
 */
export class StreamMeters {
  readonly #figures: Figures = { inputReceived: 0, outputSent: 0, inputErrors: 0, outputErrors: 0, processorErrors: 0 }

  get metrics(): Metrics {
    return this.#scoped(undefined)
  }

  /** The figures so far; `readErrors` are failed attempts to read, which the engine counts itself. */
  counters(readErrors: number): PipelineCounters {
    const { inputReceived, outputSent, inputErrors, outputErrors, processorErrors } = this.#figures
    return {
      input_received: inputReceived,
      output_sent: outputSent,
      input_errors: inputErrors + readErrors,
      output_errors: outputErrors,
      processor_errors: processorErrors,
    }
  }

  #scoped(path: string | undefined): Metrics {
    return {
      ...nullMetrics,
      counter: (name, labels) => this.#counter(name, labels?.['path'] ?? path),
      with: labels => this.#scoped(labels['path'] ?? path),
    }
  }

  #counter(name: string, path: string | undefined): Counter {
    const placed = atPath[name]
    const figure = placed === undefined ? anywhere[name] : placed[0] === path ? placed[1] : undefined
    if (figure === undefined) return nullMetrics.counter(name)
    const figures = this.#figures
    return {
      add(count) {
        figures[figure] += count
      },
    }
  }
}
