import type { LogFields, LogLevel } from '../../base/index.ts'
import type { Node } from '../config/node.ts'
import type { Packed } from './packed.ts'

/** The start parameters of a pipeline thread. */
export interface ChainOrder {
  /** The part of the configuration that the chain needs. */
  readonly config: Node
  /** The folder that imports of mappings are relative to. */
  readonly importFolder: string
}

/** One batch, or a run. */
export interface ChainCall {
  readonly id: number
  readonly isRun: boolean
  readonly messages: Packed
}

/** The results of one {@link ChainCall}. */
export interface ChainAnswer {
  readonly kind: 'answer'
  readonly id: number
  readonly messages: Packed
  /** How the messages form batches and runs, in order. */
  readonly segments: readonly { readonly count: number; readonly isRun: boolean }[]
  /** The index of each message's source; the first one if there are several. */
  readonly sources: Uint32Array<ArrayBuffer>
  /** All indexes, for messages with several sources. */
  readonly severalSources: readonly (readonly [index: number, places: readonly number[]])[]
  /** Messages that a processor rejected, by index. */
  readonly rejected: readonly (readonly [place: number, reason: string])[]
  readonly counted: Counted
}

/** What a thread counted since its last answer. */
export interface Counted {
  readonly made: readonly MadeSeries[]
  /** By the index of the series in creation order; timers have one entry per observation, with how often it was made. */
  readonly changes: readonly (readonly [series: number, value: number, times?: number | undefined])[]
}

export interface MadeSeries {
  readonly kind: 'counter' | 'gauge' | 'timer'
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

export type ChainEvent =
  | { readonly kind: 'ready' }
  | ChainAnswer
  /** The whole call failed. */
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly message: string; readonly fields: LogFields }
