/** The coordinator of consumer groups. */
export interface Groups {
  /** Stops all timers; waiting members are told that the coordinator is gone. */
  close(): Promise<void>
}
