/**
 * What lies outside of a stream and may be reached from it. A component's spec and a function of the mapping language
 * declare which of these they need; the host of a stream gives what is both needed and granted.
 */
export type Capability = 'files' | 'database_files' | 'processes' | 'environment' | 'network' | 'listen' | 'stdio'

/** Something outside of the stream was reached for without being granted, or without being declared. */
export class CapabilityError extends Error {
  readonly code: 'not_granted' | 'not_declared'
  readonly capability: Capability

  constructor(code: CapabilityError['code'], capability: Capability, message: string) {
    super(message)
    this.name = 'CapabilityError'
    this.code = code
    this.capability = capability
  }
}
