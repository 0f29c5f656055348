import type { Param } from '../stdlib/spec.ts'

/** The properties of a function or method, without its implementation. */
export interface SignatureEntry {
  readonly name: string
  readonly categories: readonly string[]
  readonly status: 'stable' | 'beta' | 'experimental' | 'deprecated' | 'hidden'
  readonly description: string
  readonly params: readonly Param[]
  readonly impure?: boolean
  readonly variadic?: boolean
}
