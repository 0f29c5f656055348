import type { Host } from '../stdlib/spec.ts'
import type { Value } from '../value.ts'

/** Compiles a mapping that is a value: what `.bloblang()` calls. Throws `MappingError` where the text is none. */
export type DynamicCompiler = (text: string, host: Host) => (target: Value) => Value

let compiler: DynamicCompiler | null = null

/** The compiler calls the methods and one method calls the compiler; it makes itself known here, so that files form no circle. */
export function provideCompiler(provided: DynamicCompiler): void {
  compiler = provided
}

/** Compiles with the compiler that made itself known; see {@link DynamicCompiler}. */
export function compileDynamic(text: string, host: Host): (target: Value) => Value {
  return compiler!(text, host)
}
