import type { Host } from '../stdlib/spec.ts'
import type { Value } from '../value.ts'

/** Compiles a mapping given as a value, for `.bloblang()`. Throws `MappingError` for an invalid text. */
export type DynamicCompiler = (text: string, host: Host) => (target: Value) => Value

let compiler: DynamicCompiler | null = null

/**
 * Registers the compiler. The compiler calls methods and one method calls the compiler; this avoids an import cycle.
 */
export function provideCompiler(provided: DynamicCompiler): void {
  compiler = provided
}

/** Compiles with the registered compiler; see {@link DynamicCompiler}. */
export function compileDynamic(text: string, host: Host): (target: Value) => Value {
  return compiler!(text, host)
}
