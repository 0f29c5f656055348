import type { PipelineCounters } from '../../api/types.ts'

/** The number of errors of all kinds. */
export function errorCount(counters: PipelineCounters): number {
  return counters.input_errors + counters.output_errors + counters.processor_errors
}
