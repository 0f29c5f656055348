import type { Batch } from '../batch.ts'
import type { MaybePromise } from '../component.ts'
import type { Message } from '../message.ts'

/** The unit passed between processors: one batch, or a run of messages each of which is a batch by itself. */
export interface Segment {
  readonly messages: readonly Message[]
  readonly isRun: boolean
}

/** Receives each message of a run that a processor rejected, with its error; those are not among the results. */
export type OnRejected = (message: Message, error: Error) => void

/** Anything that can process a delivery. */
export interface SegmentRunner {
  run(segment: Segment, onRejected: OnRejected): MaybePromise<readonly Segment[]>
}

/** Groups batches into as few segments as possible, in order: adjacent batches of one message form a run. */
export function segmentsOf(batches: readonly Batch[]): readonly Segment[] {
  const segments: Segment[] = []
  let run: Message[] | null = null
  for (const batch of batches) {
    if (batch.length === 1) {
      if (run === null) {
        run = []
        segments.push({ messages: run, isRun: true })
      }
      run.push(batch[0]!)
    } else if (batch.length > 0) {
      run = null
      segments.push({ messages: batch, isRun: false })
    }
  }
  return segments
}
