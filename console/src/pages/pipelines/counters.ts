import type { PipelineCounters } from '../../api/types.ts'

/** What went wrong, wherever it did. */
export function errorCount(counters: PipelineCounters): number {
  return counters.input_errors + counters.output_errors + counters.processor_errors
}
