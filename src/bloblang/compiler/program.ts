import type { Frame } from '../runtime/frame.ts'
import { HELPERS } from '../runtime/helpers.ts'
import type { MappingTree, Query } from '../syntax/ast.ts'
import type { Value } from '../value.ts'
import { writeClosure } from './emit-query.ts'
import { StatementWriter } from './emit-statements.ts'
import type { Library } from './library.ts'
import { FunctionScope, Program } from './scope.ts'

export interface Compiled<F> {
  readonly run: F
  /** The program, for people. */
  readonly source: string
}

/** The function of a mapping. */
export function compileTree(tree: MappingTree, library: Library): Compiled<(frame: Frame) => Value> {
  const program = new Program(library)
  const names = new Map([...tree.maps.keys()].map((name, index) => [name, mapFunctionName(name, index)] as const))
  library.useMaps(names)
  const maps = [...tree.maps.values()].map(map => StatementWriter.map(program, names.get(map.name)!, map))
  const mapping = StatementWriter.mapping(program, tree.text, tree.statements)
  const table = [...names].map(([name, text]) => `[${JSON.stringify(name)}, ${text}]`)
  return assemble(program, [...maps, `const maps = new Map([${table.join(', ')}])`, mapping], 'mapping')
}

/** The function of a single query, as interpolations hold them. */
export function compileQuery(query: Query, library: Library): Compiled<(frame: Frame) => Value> {
  const program = new Program(library)
  library.useMaps(null)
  const scope = new FunctionScope()
  const { text } = writeClosure([], query, {
    program,
    scope,
    self: null,
    outer: null,
    names: new Map(),
    root: null,
    variables: null,
  })
  const code = `const evaluate = ${text}\n\nfunction mapping(frame) {\n  f = frame\n  doc = undefined\n  depth = 0\n  return evaluate()\n}`
  return assemble(program, ['const maps = null', code], 'mapping')
}

function mapFunctionName(name: string, index: number): string {
  return /^[A-Za-z0-9_]{1,60}$/.test(name) ? `map_${name}` : `map${index}`
}

function assemble(program: Program, functions: readonly string[], entry: string): Compiled<(frame: Frame) => Value> {
  const hoisted = program.hoisted.map(({ name, text }) => `const ${name} = ${text}`)
  const names = [...program.helpers, 'MAX_MAP_DEPTH'].filter((name, at, all) => all.indexOf(name) === at).toSorted()
  const constants = program.constants.map(({ name, note }) => `const ${name} = constants.${name} // ${oneLine(note)}`)
  const source = [
    `const { ${names.join(', ')} } = helpers`,
    ...constants,
    'let f, doc, depth = 0',
    ...functions,
    ...hoisted,
    `return ${entry}`,
  ].join('\n')
  // The text is ours: names and texts of the user stand in it only as escaped literals.
  // oxlint-disable-next-line no-new-func
  const make = new Function('helpers', 'constants', 'sites', `'use strict'\n${source}`) as (
    helpers: typeof HELPERS,
    constants: Readonly<Record<string, unknown>>,
    sites: Program['sites'],
  ) => (frame: Frame) => Value
  const values = Object.fromEntries(program.constants.map(({ name, value }) => [name, value]))
  return { run: make(HELPERS, values, program.sites), source }
}

function oneLine(note: string): string {
  return note.replaceAll(/[\s\u2028\u2029]+/g, ' ').slice(0, 100)
}
