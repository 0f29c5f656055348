import type { CommitSeen, EndSeen, GroupOffset, Outcome, ReadRecord, Sent } from './history.ts'

/** A write while it is recorded. */
export interface OpenWrite {
  readonly process: string
  outcome: Outcome
  readonly sent: { -readonly [Key in keyof Sent]: Sent[Key] }[]
  readonly read: readonly ReadRecord[]
  readonly offsets?: readonly GroupOffset[] | undefined
  endedAt: number
}

/** Collects what the clients of a run do and see. */
export class Recorder {
  readonly writes: OpenWrite[] = []
  readonly ends: EndSeen[] = []
  readonly commits: CommitSeen[] = []

  /** A write that is about to be sent; its client changes the outcome. */
  begin(process: string, sent: Sent[], changes: Partial<OpenWrite> = {}): OpenWrite {
    const write: OpenWrite = {
      process,
      outcome: 'unknown',
      sent,
      read: [],
      endedAt: Number.POSITIVE_INFINITY,
      ...changes,
    }
    this.writes.push(write)
    return write
  }
}

/** Notes that the write was acknowledged, now. */
export function acknowledge(write: OpenWrite): void {
  write.outcome = 'done'
  write.endedAt = performance.now()
}

/** The offset in an answer to a producer; undefined if the answer has none. */
export function offsetIn(answers: readonly { readonly baseOffset?: string }[]): number | undefined {
  const offset = Number(answers[0]?.baseOffset ?? -1)
  return offset < 0 ? undefined : offset
}
