import { asStored } from '../data/empty-literals.ts'
import { annotationOf, dotPath } from '../syntax/annotation.ts'
import type { Assignment, IfStatement, MapDefinition, Statement } from '../syntax/ast.ts'
import { emitStore, isSafeStore } from './emit-path.ts'
import { guarded, quote } from './emit-parts.ts'
import { emit, emitLiteral } from './emit-query.ts'
import { Places } from './places.ts'
import { DELETED } from '../value.ts'
import { type Context, FunctionScope, type Program, Variables } from './scope.ts'
import { isBoolean, maySpecial, readsRoot } from './traits.ts'

/** Writes the statements of a mapping or map, in order, as the body of a function. */
export class StatementWriter {
  readonly #context: Context
  readonly #lines: string[] = []
  readonly #text: string
  #indent = '    '
  /** Number of lines up to `#countedTo`. */
  #lineCount = 1
  #countedTo: number
  /** The places of `root` that this run has created and may therefore modify in place. */
  #owned = new Set<string>()
  /** Null if `root` must be a document while the statements run. */
  readonly #places: Places | null

  private constructor(program: Program, text: string, start: number, places: Places | null) {
    const scope = new FunctionScope()
    this.#text = text
    this.#countedTo = start
    this.#places = places
    this.#context = {
      emit,
      program,
      scope,
      self: null,
      outer: null,
      names: new Map(),
      root: { text: 'root', scope },
      variables: new Variables(scope),
    }
  }

  /** The function of a whole mapping. */
  static mapping(program: Program, text: string, statements: readonly Statement[]): string {
    const writer = new StatementWriter(
      program,
      text,
      0,
      program.form === 'fresh' ? Places.of(statements, program) : null,
    )
    writer.#statements(statements)
    const body = writer.#finish('f.root', true)
    const follows = program.follows
      ? `\n  let follows = root !== ${program.use('NOTHING')}\n  if (follows) doc = root`
      : ''
    return `function mapping(frame) {\n  f = frame\n  doc = undefined\n  depth = 0\n${body.declarations}${follows}\n  try {\n${body.lines}  } catch (error) {\n    throw f.failed(error, sites, at)\n  }\n}`
  }

  /** The function of a map; lines are counted from its start. */
  static map(program: Program, name: string, map: MapDefinition): string {
    const writer = new StatementWriter(program, map.text, map.span.start, Places.of(map.body, program))
    Object.assign(writer.#context, { self: { text: 'self', scope: writer.#context.scope } })
    writer.#statements(map.body)
    const body = writer.#finish(program.use('NOTHING'), false)
    const what = quote(`map ${map.name}`)
    program.use('overflow')
    program.use('failedAssignment')
    return `function ${name}(self) {\n  if (++depth > MAX_MAP_DEPTH) {\n    depth--\n    throw overflow(${what})\n  }\n${body.declarations}\n  try {\n${body.lines}  } catch (error) {\n    throw failedAssignment(error, sites, at)\n  } finally {\n    depth--\n  }\n}`
  }

  #finish(root: string, prints: boolean): { declarations: string; lines: string } {
    const { scope, variables } = this.#context
    for (const line of this.#places?.finish(prints) ?? ['return root']) this.#line(line)
    const places = this.#places?.declarations ?? [`root = ${root}`]
    const names = ['at = 0', ...places, ...variables!.locals.values(), ...scope.temporaries]
    return { declarations: `  let ${names.join(', ')}`, lines: this.#lines.join('') }
  }

  #line(text: string): void {
    this.#lines.push(`${this.#indent}${text}\n`)
  }

  #statements(statements: readonly Statement[]): void {
    for (const statement of statements) {
      if (statement.kind === 'if') this.#ifStatement(statement, true)
      else this.#assignment(statement, true)
    }
  }

  /** Records the line of a statement; statements inside an if statement have the line of the outermost one. */
  #enter(statement: Statement): void {
    const { program, scope } = this.#context
    const line = this.#lineOf(statement.span.start)
    scope.at = program.site(null, 0, line)
    this.#line(`at = ${scope.at} // line ${line}`)
  }

  /** The line of an offset, counted from the start of the mapping or map. Offsets must not decrease. */
  #lineOf(at: number): number {
    for (let next = this.#text.indexOf('\n', this.#countedTo); next !== -1 && next < at; ) {
      this.#lineCount++
      this.#countedTo = next + 1
      next = this.#text.indexOf('\n', this.#countedTo)
    }
    return this.#lineCount
  }

  #assignment(statement: Assignment, outermost: boolean): void {
    if (outermost) this.#enter(statement)
    const { query, target } = statement
    if (this.#copyDocument(statement)) return
    // The value may keep a reference to `this`, so a mutation never writes in place.
    if (readsRoot(query) || this.#context.program.follows) this.#owned = new Set()
    const { program } = this.#context
    const write = () =>
      query.kind === 'literal' && target.kind !== 'variable'
        ? emitLiteral(asStored(query.value), this.#context)
        : emit(query, this.#context)
    const text =
      program.carriedTo !== null && this.#carries(statement, program.carriedTo) ? program.carrying(write) : write()
    if (query.kind === 'literal' && query.value === DELETED) {
      this.#line(this.#write(target, text, false, true))
      return
    }
    if (!maySpecial(query)) {
      this.#line(this.#write(target, text, query.kind === 'object'))
      return
    }
    if (target.kind === 'root' && this.#places?.isAssignedOnce(target.path) === true) {
      this.#line(this.#write(target, text, false, true))
      return
    }
    const value = this.#context.scope.temporary(this.#context.program)
    this.#line(`${value} = ${text}`)
    this.#line(`if (${value} !== ${this.#context.program.use('NOTHING')}) ${this.#write(target, value, false, true)}`)
  }

  /** Whether it is `root.a = this.b` with no later write inside `root.a`, so that the value can remain text. */
  #carries({ query, target }: Assignment, writtenInto: ReadonlySet<string>): boolean {
    if (target.kind !== 'root' || target.path.length === 0 || this.#context.self !== null) return false
    if (query.kind !== 'field' || query.base !== 'this' || query.path.length === 0) return false
    return !writtenInto.has(dotPath(target.path))
  }

  /** Emits `root = this`; fields that nothing else reads need not even be parsed. */
  #copyDocument(statement: Assignment): boolean {
    const { program, self } = this.#context
    if (self !== null || program.follows || !copiesDocument(statement)) return false
    program.copies++
    this.#owned = new Set()
    this.#line('root = (doc ??= f.document(""))')
    return true
  }

  #write(target: Assignment['target'], value: string, fresh: boolean, special = false): string {
    const { program, variables, self } = this.#context
    switch (target.kind) {
      case 'variable': {
        const local = variables!.local(target.name, program)
        if (!special) {
          variables!.assigned.add(target.name)
          return `${local} = ${value}`
        }
        variables!.assigned.delete(target.name)
        return `${local} = ${value} === ${program.use('DELETED')} ? undefined : ${value}`
      }
      case 'metadata':
        // A map has no message; only its if statements get here, because other assignments are rejected by the parser.
        if (self !== null) return `${program.use('fail')}("unable to assign metadata in the current context", ${value})`
        return target.key === null ? `f.replaceMetadata(${value})` : `f.setMetadata(${quote(target.key)}, ${value})`
      case 'root': {
        const written = this.#writeRoot(target.path, value, fresh, special)
        if (!program.follows || self !== null) return written
        // After a new document is assigned to the root, `this` no longer shows it.
        const followed = target.path.length === 0 ? 'follows = false' : 'if (follows) doc = f.root = root'
        return `{ ${written}; ${followed} }`
      }
    }
  }

  #writeRoot(path: readonly string[], value: string, fresh: boolean, special: boolean): string {
    if (path.length === 0) {
      this.#owned = new Set(fresh ? [''] : [])
      return `root = ${value}`
    }
    const { program } = this.#context
    if (this.#places !== null) return `${this.#places.assign(path, !special)} = ${value}`
    const prefixes = path.map((_, length) => placeOf(path.slice(0, length)))
    const found = prefixes.findIndex(prefix => !this.#owned.has(prefix))
    const depth = found === -1 ? path.length : found
    const whole = placeOf(path)
    // A place can only be owned together with everything around it, so losing one loses all places inside it.
    if (this.#owned.has(whole)) {
      this.#owned = new Set([...this.#owned].filter(place => place !== whole && !place.startsWith(`${whole}.`)))
    }
    // An index or `-` may refer to an array, and a value that may be `nothing()` may leave everything unchanged.
    const made = special ? [] : prefixes.filter((_, length) => path.slice(0, length + 1).every(isSafeStore))
    for (const place of made) this.#owned.add(place)
    if (fresh && !special && path.every(isSafeStore)) this.#owned.add(whole)
    // What this run created under such names is certainly an object, so a plain store suffices.
    if (depth === path.length && !special && path.every(isSafeStore)) return `root${emitStore(path)} = ${value}`
    const constant = program.shared(path, `the path ${dotPath(path)}`)
    return `root = ${program.use('assign')}(root, ${constant}, ${value}, ${depth})`
  }

  #ifStatement(statement: IfStatement, outermost: boolean): void {
    if (outermost) this.#enter(statement)
    const outer = this.#indent
    const before = this.#known
    const after: Known[] = []
    let closers = 0
    for (const [index, { condition, body }] of statement.branches.entries()) {
      this.#know(before)
      if (condition !== null) {
        if (readsRoot(condition)) this.#owned = new Set()
        const prefix = `failed to check if condition ${index + 1}`
        const tested = guarded(this.#context, prefix, () => emit(condition, this.#context), condition)
        const test = isBoolean(condition)
          ? tested
          : `${this.#context.program.use('strictCondition')}(${tested}, ${quote(annotationOf(condition))})`
        this.#line(`if (${test}) {`)
      }
      this.#nested(body, condition === null ? '' : '  ')
      after.push(this.#known)
      if (condition === null) continue
      this.#line('} else {')
      this.#indent += '  '
      closers++
    }
    for (; closers > 0; closers--) {
      this.#indent = this.#indent.slice(2)
      this.#line('}')
    }
    this.#indent = outer
    if (statement.branches.at(-1)!.condition !== null) after.push(before)
    this.#know({
      owned: common(after.map(({ owned }) => owned)),
      variables: common(after.map(({ variables }) => variables)),
      places: common(after.map(({ places }) => places)),
    })
  }

  get #known(): Known {
    return {
      owned: this.#owned,
      variables: this.#context.variables!.assigned,
      places: this.#places?.assigned ?? new Set(),
    }
  }

  #know({ owned, variables, places }: Known): void {
    this.#owned = new Set(owned)
    this.#context.variables!.assigned = new Set(variables)
    if (this.#places !== null) this.#places.assigned = places
  }

  #nested(body: readonly Statement[], indent: string): void {
    const outer = this.#indent
    this.#indent += indent
    for (const statement of body) {
      if (statement.kind === 'if') this.#ifStatement(statement, false)
      else this.#assignment(statement, false)
    }
    this.#indent = outer
  }
}

/** What is certain at the point being generated; after an if statement, what holds after all branches. */
interface Known {
  readonly owned: ReadonlySet<string>
  readonly variables: ReadonlySet<string>
  readonly places: ReadonlySet<string>
}

/** A dot followed by a dot path. The root is the empty text, unlike a field with an empty name. */
function placeOf(path: readonly string[]): string {
  return path.length === 0 ? '' : `.${dotPath(path)}`
}

/** Whether the assignment is `root = this`. */
export function copiesDocument({ query, target }: Assignment): boolean {
  if (target.kind !== 'root' || target.path.length > 0) return false
  return query.kind === 'field' && query.base === 'this' && query.path.length === 0
}

function common(sets: readonly ReadonlySet<string>[]): Set<string> {
  const [first, ...others] = sets
  return new Set([...(first ?? [])].filter(entry => others.every(set => set.has(entry))))
}
