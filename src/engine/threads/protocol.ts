import type { LogFields, LogLevel } from '../../base/index.ts'
import type { Node } from '../config/node.ts'
import type { Packed } from './packed.ts'

/** What a thread of a pipeline is started with. */
export interface ChainOrder {
  /** The part of the configuration that the chain needs. */
  readonly config: Node
  /** The folder that imports of mappings start from. */
  readonly importFolder: string
}

/** One batch, or messages that are each a batch of their own. */
export interface ChainCall {
  readonly id: number
  readonly isRun: boolean
  readonly messages: Packed
}

/** What became of one {@link ChainCall}. */
export interface ChainAnswer {
  readonly kind: 'answer'
  readonly id: number
  readonly messages: Packed
  /** How the messages form batches and runs, in order. */
  readonly segments: readonly { readonly count: number; readonly isRun: boolean }[]
  /** The place of the message that each one was made from; of several the first. */
  readonly sources: Uint32Array<ArrayBuffer>
  /** All places, for messages that were made from several. */
  readonly severalSources: readonly (readonly [index: number, places: readonly number[]])[]
  /** Messages that a processor refused, by their places. */
  readonly refused: readonly (readonly [place: number, reason: string])[]
  readonly counted: Counted
}

/** What a thread counted since the last answer. */
export interface Counted {
  readonly made: readonly MadeSeries[]
  /** By the place of the series in the order in which they were made; timers have one entry for each observation. */
  readonly changes: readonly (readonly [series: number, value: number])[]
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
