import type { Param } from '../stdlib/spec.ts'

/** What is known of a function or method without its code. */
export interface SignatureEntry {
  readonly name: string
  readonly categories: readonly string[]
  readonly status: 'stable' | 'beta' | 'experimental' | 'deprecated' | 'hidden'
  readonly description: string
  readonly params: readonly Param[]
  readonly impure?: boolean
  readonly variadic?: boolean
}
