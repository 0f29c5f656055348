/**
 * Something outside a stream that the stream may reach. A component's spec and a function of the mapping language
 * declare which capabilities they need; the stream's host provides those that are both declared and granted.
 */
export type Capability = 'files' | 'database_files' | 'processes' | 'environment' | 'network' | 'listen' | 'stdio'

/** Something outside the stream was accessed without being granted, or without being declared. */
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
