import type { CompileOptions, CompileResult, InterpolationResult } from './mapping.ts'
import { diagnose } from './syntax/diagnostic.ts'

/** Compiles a mapping, or says what is wrong with it. Never throws. */
export function compileMapping(text: string, _options: CompileOptions): CompileResult {
  return { diagnostics: [diagnose([...text], { position: 0, message: 'the compiler is being built' })] }
}

/** Compiles a config string with `${! query }` in it. Never throws. */
export function compileInterpolation(text: string, _options: CompileOptions): InterpolationResult {
  return { diagnostics: [diagnose([...text], { position: 0, message: 'the compiler is being built' })] }
}
