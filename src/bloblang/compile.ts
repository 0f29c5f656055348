import { compileQueries, compileTree } from './compiler/program.ts'
import { Library, type LibraryOptions } from './compiler/library.ts'
import { CompiledInterpolation, CompiledMapping } from './compiled.ts'
import { MappingError } from './errors.ts'
import type { CompileOptions, CompileResult, InterpolationResult } from './mapping.ts'
import { provideCompiler } from './runtime/dynamic.ts'
import { FUNCTIONS, METHODS } from './stdlib/registry.gen.ts'
import { type Diagnostic, diagnose } from './syntax/diagnostic.ts'
import { Fault } from './syntax/fault.ts'
import { toFailure } from './syntax/failure.ts'
import { parseInterpolation } from './syntax/interpolation-parser.ts'
import { furtherFaults } from './syntax/recover.ts'
import { parseMappingText } from './syntax/mapping-parser.ts'

/** Compiles a mapping or reports its errors. Never throws. */
export function compileMapping(text: string, options: CompileOptions): CompileResult {
  const library = createLibrary(options)
  const tree = parseMappingText(text, library, options.importer ?? null)
  if (tree instanceof Fault) {
    const faults = [tree, ...furtherFaults(text, library, options.importer ?? null, tree)]
    return { diagnostics: faults.map(fault => explain(text, fault)) }
  }
  try {
    return { mapping: new CompiledMapping(tree, form => compileTree(tree, library, form)) }
  } catch (error) {
    return { diagnostics: [tooDeep(text, error)] }
  }
}

/** Compiles a config string that may contain `${! query }`. Never throws. */
export function compileInterpolation(text: string, options: CompileOptions): InterpolationResult {
  const library = createLibrary(options)
  const parts = parseInterpolation(text, library)
  if (parts instanceof Fault) return { diagnostics: [explain(text, parts)] }
  try {
    const queries = parts.filter(part => typeof part !== 'string')
    return { interpolation: new CompiledInterpolation(parts, compileQueries(queries, library)) }
  } catch (error) {
    return { diagnostics: [tooDeep(text, error)] }
  }
}

function createLibrary(options: LibraryOptions): Library {
  return new Library(FUNCTIONS, METHODS, options)
}

function explain(text: string, fault: Fault): Diagnostic {
  return diagnose(text, toFailure(fault))
}

/** The compiler's recursion overflows on thousands of operators in a row. */
function tooDeep(text: string, error: unknown): Diagnostic {
  if (!(error instanceof RangeError)) throw error
  return diagnose(text, { at: 0, message: 'nested too deeply' })
}

provideCompiler((text, host) => {
  const { mapping, diagnostics } = compileMapping(text, { host, pureOnly: true, withoutMessage: true })
  if (mapping === undefined) throw new MappingError(diagnostics[0]!.gotMessage, 'closed')
  return target => mapping.apply(target)
})
