/** The partitions' records over the object store. */
export interface RecordLog {
  /** Finishes what was accepted and stops. */
  close(): Promise<void>
}
