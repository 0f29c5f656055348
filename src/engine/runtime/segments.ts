import type { Batch } from '../batch.ts'
import type { MaybePromise } from '../component.ts'
import type { Message } from '../message.ts'

/** What flows between processors: one batch, or a run of messages that are each a batch of their own. */
export interface Segment {
  readonly messages: readonly Message[]
  readonly isRun: boolean
}

/** Is given the messages of a run that a processor refused by an error, each with it; they are not among the results. */
export type Refuse = (message: Message, error: Error) => void

/** What a delivery can be run through. */
export interface SegmentRunner {
  run(segment: Segment, refuse: Refuse): MaybePromise<readonly Segment[]>
}

/** Batches as few segments as possible, in order: neighbours of one message each are a run. */
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
