import type { LogReport, PipelineCounters } from '../../control/index.ts'
import type { ChainOrder } from '../../engine/index.ts'
import type { HostPolicy } from '../../host/index.ts'
import type { Login } from '../logins.ts'
import type { ThreadLimits } from './thread-watch.ts'

/** The worker data of a thread of pipelines. */
export interface ThreadData {
  /** What its pipelines may access. */
  readonly policy: HostPolicy
  /** Its niceness as in `nice`: 0 for normal priority, 19 for the lowest. */
  readonly niceness: number
  /** The limits of the thread, shared with the threads that it starts. */
  readonly limits: ThreadLimits
}

/** The worker data of a thread that runs the processors of one pipeline for that pipeline's thread. */
export interface ChainThreadData extends ThreadData {
  readonly order: ChainOrder
}

/** What such a thread sends twice a second, in addition to the engine's own messages. */
export interface ChainPulse {
  readonly kind: 'pulse'
  /** Heap and buffers, in bytes. */
  readonly memoryBytes: number
  /** Processor time since it started, in milliseconds. */
  readonly cpuMs: number
}

/** One stream, as its thread receives it. */
export interface StreamOrder {
  /** The stream's configuration, without the `warpstream` block. */
  readonly streamText: string
  readonly seedBroker: string
  readonly clientId: string
  readonly clientIdSuffix: string
  /** Whether the Kafka port is encrypted. */
  readonly isEncrypted: boolean
  /** How it authenticates, if it has to. */
  readonly login: Login | undefined
  /** Whether its reads and writes in the cluster are committed together. */
  readonly exactlyOnce: boolean
  /** Where its own HTTP server listens if it has endpoints; the agent's server forwards requests to it. */
  readonly socketPath: string
}

/** To the thread. `stream` is the key under which the agent knows the stream. */
export type ThreadOrder =
  | { readonly kind: 'start'; readonly stream: string; readonly order: StreamOrder }
  | {
      readonly kind: 'stop'
      readonly stream: string
      /** How long messages in flight may take to be delivered, in milliseconds. */
      readonly timeoutMs: number
    }

/** From the thread. It sends a pulse twice a second, whatever else it sends; a thread without one is busy or stuck. */
export type ThreadMessage = ThreadPulse | ({ readonly stream: string } & StreamEvent)

export type StreamEvent =
  | { readonly kind: 'started' }
  | { readonly kind: 'endpoints'; readonly paths: readonly string[] }
  | StreamEnded
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/** The stream ended, or was stopped. */
interface StreamEnded {
  readonly kind: 'ended'
  /** False if parts of it did not stop in time: these end only with their thread. */
  readonly isClean: boolean
}

export interface ThreadPulse {
  readonly kind: 'pulse'
  /** Heap and buffers of the thread and of those that it started, in bytes. */
  readonly memoryBytes: number
  /** Processor time of the thread since it started, in milliseconds. */
  readonly cpuMs: number
  /** The threads that run the processors of its pipelines (`pipeline.threads`), and their processor time. */
  readonly chains: { readonly count: number; readonly cpuMs: number }
  /** Streams that changed. */
  readonly streams: readonly StreamPulse[]
}

export interface StreamPulse {
  readonly stream: string
  readonly counters: PipelineCounters
  readonly logs: readonly StreamLog[]
  /** What prevents a running pipeline from working: an input or output without a connection, and why. */
  readonly problem: string | null
}

export type StreamLog = Omit<LogReport, 'instanceId' | 'pipelineId'>
