import { type DocumentPlan, Projector } from '../json/project.ts'
import type { Frame } from '../runtime/frame.ts'
import { HELPERS } from '../runtime/helpers.ts'
import { dotPath } from '../syntax/annotation.ts'
import type { MappingTree, Query, Statement } from '../syntax/ast.ts'
import { DELETED, type Value } from '../value.ts'
import { writeClosure } from './emit-parts.ts'
import { emit } from './emit-query.ts'
import { copiesDocument, StatementWriter } from './emit-statements.ts'
import type { Library } from './library.ts'
import { type Form, FunctionScope, Need, Program } from './scope.ts'
import { readsRoot } from './traits.ts'

/** A generated function and its properties. */
export interface Compiled<F> {
  /** Returns undefined if it printed the result to the frame's writer. */
  readonly run: F
  /** The program, for human readers. */
  readonly source: string
  /** Reads the required parts of a document; null if all of it is required. */
  readonly projector: Projector | null
  /** The parts read if the result is only printed, when fields passed through may stay bytes; null for all of it. */
  readonly carrying: DocumentPlan | null
  /** The same for the document that `root` starts as, in the forms that have one. */
  readonly carryingRoot: DocumentPlan | null
}

/** Generates the function of a mapping. */
export function compileTree(tree: MappingTree, library: Library, form: Form): Compiled<(frame: Frame) => Value> {
  const program = new Program(library, form)
  const names = new Map([...tree.maps.keys()].map((name, index) => [name, mapFunctionName(name, index)] as const))
  library.useMaps(names)
  const maps = [...tree.maps.values()].map(map => StatementWriter.map(program, names.get(map.name)!, map))
  const writes = new Need()
  const blind = tree.statements.every(statement => isBlind(statement, writes))
  if (blind && !program.follows) program.carriedTo = carryTargets(tree.statements)
  const mapping = StatementWriter.mapping(program, tree.text, tree.statements)
  const table = [...names].map(([name, text]) => `[${JSON.stringify(name)}, ${text}]`)
  const functions = [...maps, `const maps = new Map([${table.join(', ')}])`, mapping]
  const { made: run, source } = assemble<(frame: Frame) => Value>(program, functions, 'mapping')
  return { run, source, projector: projectorOf(program), ...carryingPlans(program, tree, blind ? writes : null) }
}

/** What may stay bytes if no statement reads `root` and the statements write into the places `writes`. */
function carryingPlans(
  program: Program,
  tree: MappingTree,
  writes: Need | null,
): Pick<Compiled<unknown>, 'carrying' | 'carryingRoot'> {
  const { document, form } = program
  if (writes === null) return { carrying: null, carryingRoot: null }
  const copies = program.copies > 0
  // A place that is written into must be a value.
  if (copies || form === 'mutation') for (const path of pathsOf(writes)) document.field(path)
  if (form === 'mutation') {
    return { carrying: null, carryingRoot: document.whole ? null : planOf(document, false, true, NONE) }
  }
  return {
    carrying: document.whole
      ? null
      : planOf(document, true, copies, copies ? deletedFields(tree.statements.slice(copyIn(program, tree))) : NONE),
    carryingRoot: form === 'onto' ? planOf(writes, false, true, deletedFields(tree.statements)) : null,
  }
}

/** The queries of an interpolated string, which all read one message. */
export interface CompiledQueries {
  /** Switches to another message. */
  readonly enter: (frame: Frame) => void
  /** The queries, by index. */
  readonly runs: readonly (() => Value)[]
  /** Reads the parts of a document that the queries need; null if that is all of it. */
  readonly projector: Projector | null
}

export function compileQueries(queries: readonly Query[], library: Library): CompiledQueries {
  const program = new Program(library, 'fresh')
  library.useMaps(null)
  const closures = queries.map(query => {
    const scope = new FunctionScope()
    const none = { self: null, outer: null, names: new Map(), root: null, variables: null }
    return writeClosure([], query, { emit, program, scope, ...none }).text
  })
  const enter = 'function enter(frame) {\n  f = frame\n  doc = undefined\n  depth = 0\n}'
  const texts = ['const maps = null', enter, `const runs = [\n  ${closures.join(',\n  ')},\n]`]
  const { made } = assemble<Omit<CompiledQueries, 'projector'>>(program, texts, '{ enter, runs }')
  return { ...made, projector: projectorOf(program) }
}

function projectorOf({ document, copies }: Program): Projector | null {
  return document.whole || copies > 0 ? null : new Projector(planOf(document, false, false, NONE), false)
}

/** `raw`: values passed through may stay text. `carries`: unread parts may stay bytes too. */
function planOf(need: Need, raw: boolean, carries: boolean, dropped: ReadonlySet<string>): DocumentPlan {
  if (need.whole || (need.carried && need.fields.size > 0)) return { ...WHOLE, carried: false }
  if (need.carried) return { ...WHOLE, carried: raw }
  const fields = [...need.fields].map(([name, field]) => [name, planOf(field, raw, carries, NONE)] as const)
  return { fields: new Map(fields), carried: false, carries, dropped }
}

/**
 * The places of `root`, as dot paths, inside which something is written; no value is passed through to them as text.
 * Null if nothing may be passed through, because something may be written into an array, whose places have several
 * names.
 */
function carryTargets(statements: readonly Statement[]): ReadonlySet<string> | null {
  const paths = statements.flatMap(rootTargets)
  if (paths.some(path => path.some(name => name === '-' || /^[+-]?\d+$/.test(name)))) return null
  return new Set(paths.flatMap(path => path.slice(1).map((_, at) => dotPath(path.slice(0, at + 1)))))
}

function rootTargets(statement: Statement): readonly (readonly string[])[] {
  if (statement.kind === 'if') return statement.branches.flatMap(({ body }) => body.flatMap(rootTargets))
  return statement.target.kind === 'root' ? [statement.target.path] : []
}

function pathsOf(need: Need): readonly (readonly string[])[] {
  return [...need.fields].flatMap(([name, field]) => [[name], ...pathsOf(field).map(path => [name, ...path])])
}

const NONE: ReadonlySet<string> = new Set()
const WHOLE = { fields: null, carries: false, dropped: NONE }

/** The index of the only statement that copies the document; the number of statements if there is no such statement. */
function copyIn(program: Program, { statements }: MappingTree): number {
  const copy = statements.findIndex(statement => statement.kind === 'assignment' && copiesDocument(statement))
  return program.copies === 1 && copy !== -1 ? copy : statements.length
}

/** The fields of `root` that are always deleted. */
function deletedFields(statements: readonly Statement[]): ReadonlySet<string> {
  const names = statements.flatMap(statement => {
    if (statement.kind !== 'assignment' || statement.target.kind !== 'root' || statement.target.path.length !== 1)
      return []
    const { query } = statement
    return query.kind === 'literal' && query.value === DELETED ? [statement.target.path[0]!] : []
  })
  return new Set(names)
}

/** Whether a statement does not read `root`; records what it writes into. */
function isBlind(statement: Statement, writesInto: Need): boolean {
  if (statement.kind === 'if') {
    return statement.branches.every(({ condition, body }) => {
      return (condition === null || !readsRoot(condition)) && body.every(inner => isBlind(inner, writesInto))
    })
  }
  const { query, target } = statement
  if (target.kind === 'root') writesInto.field(target.path.slice(0, -1))
  return !readsRoot(query)
}

function mapFunctionName(name: string, index: number): string {
  return /^[A-Za-z0-9_]{1,60}$/.test(name) ? `map_${name}` : `map${index}`
}

/** Builds the functions of a program; `entry` is the expression that it returns. */
function assemble<T>(
  program: Program,
  functions: readonly string[],
  entry: string,
): { readonly made: T; readonly source: string } {
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
  // The source is generated: names and texts from the user occur in it only as escaped literals.
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
  const make = new Function('helpers', 'constants', 'sites', `'use strict'\n${source}`) as (
    helpers: typeof HELPERS,
    constants: Readonly<Record<string, unknown>>,
    sites: Program['sites'],
  ) => T
  const values = Object.fromEntries(program.constants.map(({ name, value }) => [name, value]))
  return { made: make(HELPERS, values, program.sites), source }
}

function oneLine(note: string): string {
  return note.replaceAll(/[\s\u2028\u2029]+/g, ' ').slice(0, 100)
}
