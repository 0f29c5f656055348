/**
 * The syntax of mappings for a browser: tokens, diagnostics and completions. Nothing here runs a mapping, and no
 * imported file needs Node.
 */
import { type Diagnostic, diagnose } from './syntax/diagnostic.ts'
import { toFailure } from './syntax/failure.ts'
import { Fault } from './syntax/fault.ts'
import { parseInterpolation } from './syntax/interpolation-parser.ts'
import { type ImportSource, parseMappingText } from './syntax/mapping-parser.ts'
import { printMapping } from './syntax/print.ts'
import type { Catalog } from './syntax/query-parser.ts'
import { furtherFaults } from './syntax/recover.ts'
import { FUNCTION_SIGNATURES, METHOD_SIGNATURES } from './syntax/signatures.gen.ts'
import type { SignatureEntry } from './syntax/signatures.ts'

export type { Diagnostic } from './syntax/diagnostic.ts'
export type { SignatureEntry } from './syntax/signatures.ts'
export { type Token, type TokenKind, tokenize } from './syntax/tokens.ts'

/** The errors of a mapping; empty if there are none. Imports are not resolved, because a browser cannot read them. */
export function checkMapping(text: string): readonly Diagnostic[] {
  const tree = parseMappingText(text, CATALOG, NO_FILES)
  if (!(tree instanceof Fault)) return []
  return [tree, ...furtherFaults(text, CATALOG, NO_FILES, tree)].map(fault => diagnose(text, toFailure(fault)))
}

/** The errors of a config string that may contain `${! query }`. */
export function checkInterpolation(text: string): readonly Diagnostic[] {
  const parts = parseInterpolation(text, CATALOG)
  return parts instanceof Fault ? [diagnose(text, toFailure(parts))] : []
}

/** A mapping in the standard layout, or null if it has syntax errors. Comments are lost. */
export function formatMapping(text: string): string | null {
  const tree = parseMappingText(text, CATALOG, NO_FILES)
  return tree instanceof Fault ? null : printMapping(tree)
}

/** The functions that an editor offers; hidden ones are excluded. */
export const FUNCTION_COMPLETIONS: readonly SignatureEntry[] = FUNCTION_SIGNATURES.filter(isShown)
/** The methods that an editor offers. */
export const METHOD_COMPLETIONS: readonly SignatureEntry[] = METHOD_SIGNATURES.filter(isShown)

function isShown({ status }: SignatureEntry): boolean {
  return status !== 'hidden'
}

const functions = new Map(FUNCTION_SIGNATURES.map(entry => [entry.name, entry]))
const methods = new Map(METHOD_SIGNATURES.map(entry => [entry.name, entry]))

const CATALOG: Catalog = {
  function: name => functions.get(name),
  method: name => methods.get(name),
  functionNames: () => [...functions.keys()],
  methodNames: () => [...methods.keys()],
  prepare: () => undefined,
}

const NO_FILES: ImportSource = {
  read: () => 'map unknown { root = this }',
  relativeTo: () => NO_FILES,
}
