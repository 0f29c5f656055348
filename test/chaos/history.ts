/** A history of what clients did and saw, recorded while a cluster ran. Times are monotonic, in milliseconds. */
export interface History {
  readonly writes: readonly Write[]
  readonly readers: readonly ReaderHistory[]
  readonly ends: readonly EndSeen[]
  readonly commits: readonly CommitSeen[]
  readonly groups: readonly GroupHistory[]
  /** Partitions in which every offset has a record: nobody wrote transactions to them. */
  readonly dense: readonly string[]
  /** Everything that readers of committed records find at the end, partition by partition in the order of offsets. */
  readonly log: readonly ReadRecord[]
}

export interface ReadRecord {
  /** `topic/index`. */
  readonly partition: string
  readonly offset: number
  /** Unique among all values that are sent. */
  readonly value: string
}

export interface Sent {
  readonly partition: string
  readonly value: string
  /** From the acknowledgement; unknown without one. */
  readonly offset?: number | undefined
}

/** `unknown`: the client got no answer, so that the write may be there, as a whole or not at all. */
export type Outcome = 'done' | 'aborted' | 'unknown'

/** A transaction, or a single record that was sent without one. */
export interface Write {
  /** The sequential client that wrote it. */
  readonly process: string
  readonly outcome: Outcome
  readonly sent: readonly Sent[]
  /** Records that the transaction consumed. */
  readonly read: readonly ReadRecord[]
  /** Offsets that the transaction commits. */
  readonly offsets?: readonly GroupOffset[] | undefined
  /** When its acknowledgement arrived. */
  readonly endedAt: number
}

export interface GroupOffset {
  readonly group: string
  readonly partition: string
  readonly offset: number
}

/** A consumer that seeks by itself; `session` begins at an offset of one partition and continues from there. */
export interface ReaderHistory {
  readonly reader: string
  readonly seesAborted: boolean
  readonly sessions: readonly {
    readonly partition: string
    /** The offset that was assigned. */
    readonly from: number
    readonly records: readonly ReadRecord[]
  }[]
}

/** The end of a partition, as ListOffsets returned it. */
export interface EndSeen {
  readonly partition: string
  readonly offset: number
  readonly askedAt: number
}

/** A committed offset of a group, as it was acknowledged to a member or returned by OffsetFetch; in order of time. */
export interface CommitSeen extends GroupOffset {
  readonly askedAt: number
  readonly answeredAt: number
}

/** What the members of a group received altogether, and what the group had committed at the end. */
export interface GroupHistory {
  readonly group: string
  /**
   * A group that consumes in transactions was given what those in the log consumed, each record once. Of `none`, which
   * has no members, only the offsets count.
   */
  readonly records: readonly ReadRecord[] | 'in transactions' | 'none'
  readonly committed: ReadonlyMap<string, number>
}
