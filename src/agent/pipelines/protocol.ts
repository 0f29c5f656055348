import type { LogReport, PipelineCounters } from '../../control/index.ts'
import type { ChainOrder } from '../../engine/index.ts'
import type { HostPolicy } from '../../host/index.ts'
import type { Login } from '../logins.ts'
import type { ThreadLimits } from './thread-watch.ts'

/** What a thread of pipelines is started with. */
export interface ThreadData {
  /** What its pipelines may reach. */
  readonly policy: HostPolicy
  /** How much it gives way to the threads beside it when processors are short: 0 not at all, 19 most, as `nice` has it. */
  readonly niceness: number
  /** The limits of the thread, shared with the threads that it starts. */
  readonly limits: ThreadLimits
}

/** What a thread is started with that runs the processors of one pipeline for the thread of that pipeline. */
export interface ChainThreadData extends ThreadData {
  readonly order: ChainOrder
}

/** What such a thread sends twice a second, beside the engine's own messages. */
export interface ChainPulse {
  readonly kind: 'pulse'
  /** Heap and buffers, in bytes. */
  readonly memoryBytes: number
  /** Processor time since it began, in milliseconds. */
  readonly cpuMs: number
}

/** One stream, as its thread gets it. */
export interface StreamOrder {
  /** The stream's configuration, without the `warpstream` block. */
  readonly streamText: string
  readonly seedBroker: string
  readonly clientId: string
  readonly clientIdSuffix: string
  /** Whether the Kafka port is encrypted. */
  readonly isEncrypted: boolean
  /** How it signs in, where it has to. */
  readonly login: Login | undefined
  /** Whether what it reads and writes in the cluster is committed together. */
  readonly exactlyOnce: boolean
  /** Where its own HTTP server listens when it has endpoints; the agent's passes requests on to it. */
  readonly socketPath: string
}

/** To the thread. `stream` is the key under which the agent knows the stream. */
export type ThreadOrder =
  | { readonly kind: 'start'; readonly stream: string; readonly order: StreamOrder }
  | {
      readonly kind: 'stop'
      readonly stream: string
      /** How long messages in flight may take to arrive, in milliseconds. */
      readonly timeoutMs: number
    }

/** From the thread. A pulse comes twice a second, whatever else is sent; a thread without one is busy or stuck. */
export type ThreadMessage = ThreadPulse | ({ readonly stream: string } & StreamEvent)

export type StreamEvent =
  | { readonly kind: 'started' }
  | { readonly kind: 'endpoints'; readonly paths: readonly string[] }
  | StreamEnded
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/** The stream came to its end, or was stopped. */
interface StreamEnded {
  readonly kind: 'ended'
  /** False where parts of it did not stop in time: they end with their thread only. */
  readonly isClean: boolean
}

export interface ThreadPulse {
  readonly kind: 'pulse'
  /** Heap and buffers of the thread and of those that it started, in bytes. */
  readonly memoryBytes: number
  /** Processor time of the thread since it began, in milliseconds. */
  readonly cpuMs: number
  /** The threads that run the processors of its pipelines (`pipeline.threads`), and their processor time. */
  readonly chains: { readonly count: number; readonly cpuMs: number }
  /** Streams of which something changed. */
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
