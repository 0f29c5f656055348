import type { DocumentPlan } from '../json/project.ts'
import type { Frame } from '../runtime/frame.ts'
import { HELPERS } from '../runtime/helpers.ts'
import type { MappingTree, Query, Statement } from '../syntax/ast.ts'
import { DELETED, type Value } from '../value.ts'
import { writeClosure } from './emit-query.ts'
import { copiesDocument, StatementWriter } from './emit-statements.ts'
import type { Library } from './library.ts'
import { FunctionScope, Program } from './scope.ts'
import { readsRoot } from './traits.ts'

export interface Compiled<F> {
  readonly run: F
  /** The program, for people. */
  readonly source: string
  /** What it needs of the document; null where that is all of it. */
  readonly plan: DocumentPlan | null
}

/** The function of a mapping. `follows`: as a mutation, whose `this` sees what was assigned to the document before. */
export function compileTree(tree: MappingTree, library: Library, follows = false): Compiled<(frame: Frame) => Value> {
  const program = new Program(library, follows)
  const names = new Map([...tree.maps.keys()].map((name, index) => [name, mapFunctionName(name, index)] as const))
  library.useMaps(names)
  const maps = [...tree.maps.values()].map(map => StatementWriter.map(program, names.get(map.name)!, map))
  const mapping = StatementWriter.mapping(program, tree.text, tree.statements)
  const table = [...names].map(([name, text]) => `[${JSON.stringify(name)}, ${text}]`)
  const plan = planOf(program, tree)
  const compiled = assemble(program, [...maps, `const maps = new Map([${table.join(', ')}])`, mapping], 'mapping')
  return { ...compiled, plan }
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

/** Where a mapping copies its document, what it writes into has to be a value, and it must not look at the copy. */
function planOf(program: Program, tree: MappingTree): DocumentPlan | null {
  const wanted = program.documentFields
  if (wanted === null) return null
  if (program.copies === 0) return { wanted, carries: false, dropped: NONE }
  const writesInto = new Set(wanted)
  return tree.statements.every(statement => isBlind(statement, writesInto))
    ? { wanted: writesInto, carries: true, dropped: droppedFields(program, tree) }
    : null
}

const NONE: ReadonlySet<string> = new Set()

/** The fields that are deleted for sure after the document was copied, once and for all. */
function droppedFields(program: Program, tree: MappingTree): ReadonlySet<string> {
  const copy = tree.statements.findIndex(statement => statement.kind === 'assignment' && copiesDocument(statement))
  if (program.copies !== 1 || copy === -1) return NONE
  const names = tree.statements.slice(copy).flatMap(statement => {
    if (statement.kind !== 'assignment' || statement.target.kind !== 'root' || statement.target.path.length !== 1)
      return []
    const { query } = statement
    return query.kind === 'literal' && query.value === DELETED ? [statement.target.path[0]!] : []
  })
  return new Set(names)
}

/** Whether a statement does not read `root`; what it writes into is noted. */
function isBlind(statement: Statement, writesInto: Set<string>): boolean {
  if (statement.kind === 'if') {
    return statement.branches.every(({ condition, body }) => {
      return (condition === null || !readsRoot(condition)) && body.every(inner => isBlind(inner, writesInto))
    })
  }
  const { query, target } = statement
  if (target.kind === 'root' && target.path.length > 1) writesInto.add(target.path[0]!)
  return !readsRoot(query)
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
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
  const make = new Function('helpers', 'constants', 'sites', `'use strict'\n${source}`) as (
    helpers: typeof HELPERS,
    constants: Readonly<Record<string, unknown>>,
    sites: Program['sites'],
  ) => (frame: Frame) => Value
  const values = Object.fromEntries(program.constants.map(({ name, value }) => [name, value]))
  return { run: make(HELPERS, values, program.sites), source, plan: null }
}

function oneLine(note: string): string {
  return note.replaceAll(/[\s\u2028\u2029]+/g, ' ').slice(0, 100)
}
