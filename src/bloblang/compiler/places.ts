import { compareText } from '../data/text-order.ts'
import { printJson } from '../json/print.ts'
import type { Statement } from '../syntax/ast.ts'
import type { Program } from './scope.ts'
import { readsRoot } from './traits.ts'

/**
 * The places of a document that statements only create and never read. Each gets a variable, and the document is
 * assembled, or printed, once all are known. Storing fields one at a time and then sorting them takes twice as long.
 */
export class Places {
  /** The variables that certainly have a value at the point being generated. */
  assigned: ReadonlySet<string> = new Set()
  readonly #program: Program
  readonly #locals: ReadonlyMap<string, string>
  readonly #paths: readonly (readonly string[])[]
  /** The number of assignments to each place. */
  readonly #assignments = new Map<string, number>()

  private constructor(assignedPaths: readonly (readonly string[])[], program: Program) {
    const paths = [...new Map(assignedPaths.map(path => [keyOf(path), path])).values()]
    const taken = new Set<string>()
    const name = (path: readonly string[]) => {
      const readable = `root_${path.join('_')}`
      const local = /^\w{1,60}$/.test(readable) && !taken.has(readable) ? readable : program.uniqueName('root')
      taken.add(local)
      return local
    }
    this.#program = program
    this.#paths = paths
    for (const path of assignedPaths) this.#assignments.set(keyOf(path), (this.#assignments.get(keyOf(path)) ?? 0) + 1)
    this.#locals = new Map(paths.map(path => [keyOf(path), name(path)]))
  }

  /** Null if the statements need the document itself. */
  static of(statements: readonly Statement[], program: Program): Places | null {
    const assigned = assignedPaths(statements)
    if (assigned === null) return null
    const paths = new Map(assigned.map(path => [keyOf(path), path]))
    if (paths.size === 0 || paths.size > MAX_PLACES) return null
    for (const path of paths.values()) {
      const liesInside = path.some((_, length) => paths.has(keyOf(path.slice(0, length))))
      if (liesInside || path.length === 0 || !path.every(isField)) return null
    }
    return new Places(assigned, program)
  }

  /** Whether assigning `nothing()` to a place cannot overwrite an earlier value. */
  isAssignedOnce(path: readonly string[]): boolean {
    return this.#assignments.get(keyOf(path)) === 1
  }

  /** The variable of a place. `surely` says that the assigned value is neither `deleted()` nor `nothing()`. */
  assign(path: readonly string[], surely: boolean): string {
    const local = this.#local(path)
    const assigned = new Set(this.assigned)
    if (surely) assigned.add(local)
    else assigned.delete(local)
    this.assigned = assigned
    return local
  }

  /** The variable declarations with their initial values. */
  get declarations(): readonly string[] {
    return [...this.#locals.values()].map(local =>
      this.assigned.has(local) ? local : `${local} = ${this.#program.use('NOTHING')}`,
    )
  }

  /** The last lines of the function. `prints` says whether it may print to the writer `out`. */
  finish(prints: boolean): readonly string[] {
    const program = this.#program
    const locals = [...this.#locals.values()]
    const lines: string[] = []
    const unsure = locals.filter(local => !this.assigned.has(local))
    if (unsure.length > 0) {
      const test = unsure.map(local => `typeof ${local} === "symbol"`).join(' || ')
      const paths = program.constant(this.#paths, 'the paths of the places')
      lines.push(`if (${test}) return ${program.use('gather')}(${paths}, [${locals.join(', ')}])`)
    }
    const tree = treeOf(this.#paths)
    const literal = this.#literal(tree)
    if (!prints) return [...lines, `return ${literal}`]
    const writes: string[] = []
    const tail = this.#print(tree, '{', writes)
    return [
      ...lines,
      'const { out } = f',
      `if (out === null) return ${literal}`,
      ...writes,
      `out.put(${this.#constant(tail)})`,
      'return undefined',
    ]
  }

  #local(path: readonly string[]): string {
    return this.#locals.get(keyOf(path))!
  }

  #literal(tree: Tree): string {
    const fields = [...tree].map(([name, part]) => {
      return `${JSON.stringify(name)}: ${part instanceof Map ? this.#literal(part) : this.#local(part)}`
    })
    return `{ ${fields.join(', ')} }`
  }

  /** Appends the code that prints an object after the pending text `before`; returns the text then pending. */
  #print(tree: Tree, before: string, writes: string[]): string {
    let text = before
    for (const [name, part] of tree) {
      text += `${printJson(name, { escapeHtml: true })}:`
      if (part instanceof Map) text = this.#print(part, `${text}{`, writes)
      else {
        writes.push(`out.field(${this.#constant(text)}, ${this.#local(part)})`)
        text = ''
      }
      text += ','
    }
    return `${text.slice(0, -1)}}`
  }

  #constant(text: string): string {
    return this.#program.constant(Buffer.from(text), text)
  }
}

/** Nested objects in printing order; the leaves are the paths themselves. */
type Tree = Map<string, Tree | readonly string[]>

function treeOf(paths: readonly (readonly string[])[], depth = 0): Tree {
  const names = [...new Set(paths.map(path => path[depth]!))].toSorted(compareText)
  return new Map(
    names.map(name => {
      const inside = paths.filter(path => path[depth] === name)
      return [name, inside[0]!.length === depth + 1 ? inside[0]! : treeOf(inside, depth + 1)]
    }),
  )
}

/** The paths of the document that statements assign to; null if a statement reads the document. */
function assignedPaths(statements: readonly Statement[]): readonly (readonly string[])[] | null {
  const paths: (readonly string[])[] = []
  for (const statement of statements) {
    if (statement.kind === 'if') {
      for (const { condition, body } of statement.branches) {
        const inside = assignedPaths(body)
        if (inside === null || (condition !== null && readsRoot(condition))) return null
        paths.push(...inside)
      }
    } else {
      if (readsRoot(statement.query)) return null
      if (statement.target.kind === 'root') paths.push(statement.target.path)
    }
  }
  return paths
}

/** Whether a name can only be a field: not an index, not `-`, which appends, and not special in a literal. */
function isField(name: string): boolean {
  return name !== '-' && name !== '*' && name !== '__proto__' && !/^[+-]?\d+$/.test(name)
}

function keyOf(path: readonly string[]): string {
  return JSON.stringify(path)
}

/** More variables cost registers, and a larger function takes longer to compile. */
const MAX_PLACES = 200
