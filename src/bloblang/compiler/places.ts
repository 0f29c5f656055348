import { compareText } from '../data/text-order.ts'
import { printJson } from '../json/print.ts'
import type { Statement } from '../syntax/ast.ts'
import type { Program } from './scope.ts'
import { readsRoot } from './traits.ts'

/**
 * The places of a document that statements make from nothing and do not look at: each has a variable, and the document is put
 * together, or printed, when all of them are known. Storing field after field, then looking for their order, takes twice as long.
 */
export class Places {
  /** Those that surely have a value where the code being written stands, as variables. */
  assigned: ReadonlySet<string> = new Set()
  readonly #program: Program
  readonly #locals: ReadonlyMap<string, string>
  readonly #paths: readonly (readonly string[])[]
  /** How many assignments each place has. */
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

  /** Null where the statements need the document itself. */
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

  /** Whether nothing would be lost if a place took nothing for its value. */
  isAssignedOnce(path: readonly string[]): boolean {
    return this.#assignments.get(keyOf(path)) === 1
  }

  /** The variable of a place, which gets a value that is one for sure, or may be `deleted()`. */
  assign(path: readonly string[], surely: boolean): string {
    const local = this.#local(path)
    const assigned = new Set(this.assigned)
    if (surely) assigned.add(local)
    else assigned.delete(local)
    this.assigned = assigned
    return local
  }

  /** The variables and what they start as. */
  get declarations(): readonly string[] {
    return [...this.#locals.values()].map(local =>
      this.assigned.has(local) ? local : `${local} = ${this.#program.use('NOTHING')}`,
    )
  }

  /** The lines that end the function. `prints`: whether it may print to a writer, `out`. */
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

  /** Adds the writing of an object behind `before`, text that is yet to be written; gives the text that is so afterwards. */
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

/** Where objects lie inside of each other, in the order in which they are printed; at the ends the paths themselves. */
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

/** The paths of the document that statements assign to; null where one needs it as it stands. */
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

/** Whether a name can only be that of a field: neither an index nor the sign for appending, nor one that a literal takes otherwise. */
function isField(name: string): boolean {
  return name !== '-' && name !== '*' && name !== '__proto__' && !/^[+-]?\d+$/.test(name)
}

function keyOf(path: readonly string[]): string {
  return JSON.stringify(path)
}

/** The variables of a function cost registers, and its size time to compile. */
const MAX_PLACES = 200
