import type { HostPolicy } from '../../host/index.ts'
import type { LogReport } from '../../control/index.ts'
import type { PipelineCounters } from '../../control/index.ts'

/** What a pipeline's thread is started with. */
export interface PipelineWorkerData {
  /** The stream's configuration, without the `warpstream` block. */
  readonly streamText: string
  readonly seedBroker: string
  readonly clientId: string
  readonly policy: HostPolicy
  /** Where its own HTTP server listens when it has endpoints; the agent's passes requests on to it. */
  readonly socketPath: string
}

/** To the thread. */
export interface StopMessage {
  readonly kind: 'stop'
  /** How long messages on their way may take to arrive, in milliseconds. */
  readonly timeoutMs: number
}

/** From the thread. One comes at least every second; a thread that is silent for long is stuck. */
export type WorkerMessage =
  | { readonly kind: 'started' }
  | WorkerPulse
  /** The stream came to its end, or was stopped. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly code: 'configuration' | 'stream'; readonly message: string }
  | { readonly kind: 'endpoints'; readonly paths: readonly string[] }

export interface WorkerPulse {
  readonly kind: 'pulse'
  readonly counters: PipelineCounters
  readonly logs: readonly WorkerLog[]
  /** What keeps the pipeline from working though it runs: an input or output without a connection, and why. */
  readonly problem: string | null
  readonly memoryBytes: number
  /** Share of one core since the last pulse. */
  readonly cpu: number
}

export type WorkerLog = Omit<LogReport, 'instanceId' | 'pipelineId'>
