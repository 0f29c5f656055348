import type { Log } from '../../base/index.ts'
import type { Message } from '../message.ts'

/** The block `error_handling.log` of a configuration. */
export interface FailureLogConfig {
  readonly enabled: boolean
  readonly add_payload: boolean
  /** The fraction of failures that are logged, from 0 to 1. */
  readonly sampling_ratio: number
}

/** Logs that a processor flagged a message; `plugin` is the name of the processor. */
export type FailureLog = (log: Log, plugin: string, message: Message, error: string) => void

/**
 * Returns a function that logs failures as `error_handling.log` asks, once and where they happen; null if disabled.
 * Failures are sampled individually, regardless of batch size; the original rounds per batch and so drops all single
 * ones.
 */
export function failureLog(config: FailureLogConfig, random: () => number): FailureLog | null {
  if (!config.enabled) return null
  return (log, plugin, message, error) => {
    if (config.sampling_ratio < 1 && random() >= config.sampling_ratio) return
    const payload = config.add_payload ? { raw_payload: message.text() } : {}
    log.error('failed processing', { plugin, error, ...payload })
  }
}
