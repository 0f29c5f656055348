import type { Library } from './library.ts'
import type { Site } from '../runtime/errors.ts'
import type { Query } from '../syntax/ast.ts'

/**
 * What `root` starts as: nothing (`fresh`), a given document (`onto`), or in a `mutation` the document of the message,
 * where `this` sees assignments to it.
 */
export type Form = 'fresh' | 'onto' | 'mutation'

/** The state that the functions of a generated program share. */
export class Program {
  /** Values that the generated code refers to by name (`k0` …), created once. */
  readonly constants: { readonly name: string; readonly value: unknown; readonly note: string }[] = []
  readonly sites: Site[] = [{ prefix: null, parent: 0, line: 0 }]
  readonly helpers = new Set<string>()
  /** Functions at the top level of the program. */
  readonly hoisted: { readonly name: string; readonly text: string }[] = []
  readonly library: Library
  /** What the program reads of the document. */
  readonly document = new Need()
  /** The places of `root` to which no value may be passed through as text; null for all of them. */
  carriedTo: ReadonlySet<string> | null = null
  /** The number of `root = this` statements. */
  copies = 0
  readonly form: Form
  readonly #strings = new Map<string, string>()
  #names = 0
  #carrying = false

  constructor(library: Library, form: Form) {
    this.library = library
    this.form = form
  }

  get follows(): boolean {
    return this.form === 'mutation'
  }

  /** Names a value; `note` describes it in the listing. */
  constant(value: unknown, note: string, letter = 'k'): string {
    const name = `${letter}${this.constants.length}`
    this.constants.push({ name, value, note })
    return name
  }

  /** Names an object that is shared by content: paths, pairs of annotations. */
  shared(value: object, note: string): string {
    const key = JSON.stringify(value, (_field, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
    let name = this.#strings.get(key)
    if (name === undefined) {
      name = this.constant(value, note)
      this.#strings.set(key, name)
    }
    return name
  }

  /** Names a function that captures nothing. */
  hoist(text: string): string {
    const name = this.uniqueName('q')
    this.hoisted.push({ name, text })
    return name
  }

  /** Refers to a function of the runtime by its name. */
  use(helper: string): string {
    this.helpers.add(helper)
    return helper
  }

  /** Records that a query reads this path of the document. */
  readsDocument(path: readonly string[]): void {
    if (this.#carrying) this.document.at(path).carried = true
    else this.document.at(path).whole = true
  }

  /** Generates code whose reads are only passed through to another place of the result. */
  carrying<T>(write: () => T): T {
    this.#carrying = true
    try {
      return write()
    } finally {
      this.#carrying = false
    }
  }

  site(prefix: string | null, parent: number, line = 0): number {
    this.sites.push({ prefix, parent, line })
    return this.sites.length - 1
  }

  uniqueName(letter: string): string {
    return `${letter}${this.#names++}`
  }
}

/** What a mapping reads of a value. */
export class Need {
  whole = false
  /** Read only to be stored elsewhere. */
  carried = false
  readonly fields = new Map<string, Need>()

  /** The need for a path; `*` stands for everything. */
  at(path: readonly string[]): Need {
    const star = path.indexOf('*')
    if (star === -1) return this.field(path)
    const need = this.field(path.slice(0, star))
    need.whole = true
    return need
  }

  /** The need for a path in which `*` is an ordinary name. */
  field(path: readonly string[]): Need {
    let need: Need = this
    for (const name of path) {
      let field = need.fields.get(name)
      if (field === undefined) need.fields.set(name, (field = new Need()))
      need = field
    }
    return need
  }
}

/** A generated function: its temporaries, and whether it needs an error handler. */
export class FunctionScope {
  readonly temporaries: string[] = []
  /** The site of the code being generated. */
  at = 0
  /** Whether the function records sites at all. */
  marks = false
  /** The enclosing functions whose variables it reads. */
  readonly captured = new Set<FunctionScope>()

  temporary(program: Program): string {
    const name = program.uniqueName('t')
    this.temporaries.push(name)
    return name
  }
}

/** The meaning of names at a query's position. */
export interface Context {
  /** Generates JavaScript for a query: `emit` of `emit-query.ts`, through which all emitters recurse. */
  readonly emit: (query: Query, context: Context) => string
  readonly program: Program
  readonly scope: FunctionScope
  /** What `this` is: a JavaScript expression, or null for the message's document. */
  readonly self: Name | null
  /** What `this` becomes inside a lambda that names the current one; null for the document. */
  readonly outer: Name | null
  readonly names: ReadonlyMap<string, Name>
  /** The variable of `root`, or null if it cannot be read. */
  readonly root: Name | null
  readonly variables: Variables | null
}

/** A JavaScript variable and the function it belongs to. */
export interface Name {
  readonly text: string
  readonly scope: FunctionScope
}

/** The variables of a mapping or map. */
export class Variables {
  readonly scope: FunctionScope
  readonly locals = new Map<string, string>()
  /** Those that certainly have a value at the point being generated. */
  assigned = new Set<string>()

  constructor(scope: FunctionScope) {
    this.scope = scope
  }

  local(name: string, program: Program): string {
    let local = this.locals.get(name)
    if (local === undefined) {
      local = /^[A-Za-z0-9_]{1,40}$/.test(name) ? `$${name}` : program.uniqueName('$v')
      this.locals.set(name, local)
    }
    return local
  }
}

/** The text of a name; records that the current function captures it. */
export function refer(context: Context, name: Name): string {
  if (name.scope !== context.scope) context.scope.captured.add(name.scope)
  return name.text
}

/** The same context with another `this`. */
export function withSelf(context: Context, self: Name): Context {
  return { ...context, self, outer: context.self }
}

/** The context of a lambda's body: the current `this` gets a name, and `this` becomes the outer one again. */
export function withoutSelf(context: Context, parameter: string): Context {
  const names = new Map(context.names)
  if (parameter !== '_' && context.self !== null) names.set(parameter, context.self)
  return { ...context, names, self: context.outer, outer: null }
}
