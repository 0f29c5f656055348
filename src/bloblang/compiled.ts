import type { Compiled, CompiledQueries } from './compiler/program.ts'
import type { Form } from './compiler/scope.ts'
import { some } from './compiler/traits.ts'
import { describeWrongType } from './data/errors.ts'
import { utf8Bytes } from './text/bytes.ts'
import { MappingError, WrongTypeError } from './errors.ts'
import { parseDocument } from './json/parse.ts'
import { parsed, PatchedDocument } from './json/patched.ts'
import { Projector } from './json/project.ts'
import type { JsonWriter } from './json/writer.ts'
import type { Interpolation, Mapping, TargetPath } from './mapping.ts'
import type { MessageView } from './message-view.ts'
import { MetadataDraft } from './metadata-draft.ts'
import { describe } from './runtime/errors.ts'
import { Frame, messageAt } from './runtime/frame.ts'
import { FUNCTIONS, METHODS } from './stdlib/registry.gen.ts'
import { toText } from './data/to-text.ts'
import type { MappingTree, Query, Statement } from './syntax/ast.ts'
import { queryReads, treeReads, treeTargets } from './syntax/targets.ts'
import { DELETED, NOTHING, type Value } from './value.ts'

type Program = Compiled<(frame: Frame) => Value>

/** A compiled form of a mapping, with the projectors that leave fields as bytes where they are only passed through. */
class Patching {
  readonly program: Program
  readonly projector: Projector | null
  /** Reads the document that `root` starts as. */
  readonly rootProjector: Projector | null

  constructor(program: Program) {
    const { carrying, carryingRoot, projector } = program
    this.program = program
    this.projector = carrying === null ? projector : new Projector(carrying, false)
    this.rootProjector = carryingRoot === null ? null : new Projector(carryingRoot, false)
  }
}

/** Sets `root` to the message's document; returns whether parts of it are still bytes. */
function enterDocument(frame: Frame, projector: Projector | null): boolean {
  frame.projector = projector
  frame.root = frame.tryDocument() ?? NOTHING
  frame.isPatched = frame.carries
  // Functions that read the message from here on see it as modified so far.
  frame.projector = null
  return frame.isPatched
}

/** A mapping compiled to a program. */
export class CompiledMapping implements Mapping {
  readonly #tree: MappingTree
  readonly #compiled: Program
  readonly #compile: (form: Form) => Program
  #fresh: Patching | null = null
  #mutation: Patching | null = null
  #onto: Patching | null = null
  /** Reads documents for results that are printed with HTML escaped. */
  #printProjector: Projector | null = null
  readonly #frame = new Frame()
  readonly #scratch = new MetadataDraft()

  constructor(tree: MappingTree, compile: (form: Form) => Program) {
    this.#tree = tree
    this.#compile = compile
    this.#compiled = compile('fresh')
  }

  run(batch: readonly MessageView[], index: number, draft: MetadataDraft | null = null): Value {
    const frame = this.#frame.enter(batch, index, draft)
    frame.projector = this.#compiled.projector
    return this.#compiled.run(frame)
  }

  patch(batch: readonly MessageView[], index: number, draft: MetadataDraft | null = null): Value | PatchedDocument {
    const { program, projector } = (this.#fresh ??= new Patching(this.#compiled))
    const frame = this.#frame.enter(batch, index, draft)
    frame.projector = projector
    const value = program.run(frame)
    return frame.carries ? patched(value) : value
  }

  mutate(batch: readonly MessageView[], index: number, draft: MetadataDraft | null = null): Value | PatchedDocument {
    const { program, rootProjector } = (this.#mutation ??= new Patching(this.#compile('mutation')))
    const frame = this.#frame.enter(batch, index, draft)
    const carries = enterDocument(frame, rootProjector)
    const value = program.run(frame)
    return carries ? patched(value) : value
  }

  patchOnto(
    onto: MessageView,
    batch: readonly MessageView[],
    index: number,
    draft: MetadataDraft | null = null,
  ): Value | PatchedDocument {
    const { program, projector, rootProjector } = this.#patchingOnto
    const frame = this.#frame.enter([onto], 0, draft)
    const carries = enterDocument(frame, rootProjector)
    const { root } = frame
    frame.enter(batch, index, draft)
    frame.root = root
    frame.isPatched = carries
    frame.projector = projector
    const value = program.run(frame)
    return carries || frame.carries ? patched(value) : value
  }

  get reached(): Value {
    if (!this.#frame.isPatched) return this.#frame.root
    this.#frame.isPatched = false
    return parsed(this.#frame.root)
  }

  check(batch: readonly MessageView[], index: number): boolean {
    const result = this.run(batch, index, this.#scratch.reset(messageAt(batch, index).metadata))
    const value = result === NOTHING ? messageAt(batch, index).structured() : conditionValue(result)
    if (typeof value === 'boolean') return value
    throw new MappingError(describeWrongType(new WrongTypeError(['bool'], value), 'mapping'))
  }

  apply(value: Value): Value {
    const frame = this.#frame.enter([], 0, null)
    frame.given = value
    frame.innermostLine = true
    return this.#compiled.run(frame)
  }

  applyOnto(value: Value, document: Value): Value {
    const frame = this.#frame.enter([], 0, null)
    frame.given = value
    frame.root = document
    frame.innermostLine = true
    return this.#patchingOnto.program.run(frame)
  }

  get #patchingOnto(): Patching {
    return (this.#onto ??= new Patching(this.#compile('onto')))
  }

  runCommand(batch: readonly MessageView[], draft: MetadataDraft, raw: boolean): Value
  runCommand(
    batch: readonly MessageView[],
    draft: MetadataDraft,
    raw: boolean,
    out: JsonWriter | null,
  ): Value | undefined
  runCommand(
    batch: readonly MessageView[],
    draft: MetadataDraft,
    raw: boolean,
    out: JsonWriter | null = null,
  ): Value | undefined {
    const frame = this.#frame.enter(batch, 0, draft)
    frame.out = out
    frame.projector = this.#projectorToPrint
    if (raw) frame.given = batch[0]!.bytes()
    frame.innermostLine = true
    return this.#compiled.run(frame)
  }

  get #projectorToPrint(): Projector | null {
    const { carrying, projector } = this.#compiled
    return carrying === null ? projector : (this.#printProjector ??= new Projector(carrying, true))
  }

  get targets(): readonly TargetPath[] {
    return treeTargets(this.#tree)
  }

  get reads(): readonly TargetPath[] {
    return treeReads(this.#tree)
  }

  get impure(): boolean {
    const bodies = [...this.#tree.maps.values()].map(({ body }) => body)
    return [this.#tree.statements, ...bodies].some(statements => statements.some(isImpure))
  }

  get recursive(): boolean {
    return isRecursive(this.#tree)
  }

  get source(): string {
    return this.#compiled.source
  }
}

function patched(value: Value): Value | PatchedDocument {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
    ? new PatchedDocument(value)
    : value
}

/** The result of a condition as if it were a message: text is parsed as a document. */
function conditionValue(result: Value): Value {
  if (result === DELETED) {
    throw new MappingError('query mapping resulted in deleted message, expected a boolean value')
  }
  if (typeof result === 'string') return parseDocument(utf8Bytes(result))
  return result instanceof Uint8Array ? parseDocument(result) : result
}

/** The stack size, in megabytes, that 5000 nested maps need. */
export const MAP_STACK_MB = 32

/** Whether the maps of a mapping may be recursive; a map applied by a computed name may be any of them. */
function isRecursive(tree: MappingTree): boolean {
  const applied = new Map([...tree.maps].map(([name, map]) => [name, appliedIn(map.body)]))
  return [...applied.keys()].some(start => {
    const reached = new Set<string>()
    const open = [...applied.get(start)!]
    while (open.length > 0) {
      const name = open.pop()!
      if (name === ANY_MAP || name === start) return true
      if (reached.has(name)) continue
      reached.add(name)
      open.push(...(applied.get(name) ?? []))
    }
    return false
  })
}

const ANY_MAP = ''

/** The names of the maps that statements apply. */
function appliedIn(statements: readonly Statement[]): readonly string[] {
  const names: string[] = []
  const note = (query: Query): boolean => {
    if (query.kind !== 'method' || query.name !== 'apply') return false
    const [argument] = query.args.values
    names.push(argument?.kind === 'known' ? String(argument.value) : ANY_MAP)
    return false
  }
  for (const statement of statements) {
    if (statement.kind === 'assignment') some(statement.query, note)
    else {
      for (const { condition, body } of statement.branches) {
        if (condition !== null) some(condition, note)
        names.push(...appliedIn(body))
      }
    }
  }
  return names
}

function isImpure(statement: Statement): boolean {
  if (statement.kind === 'assignment') return some(statement.query, callsImpure)
  return statement.branches.some(
    ({ condition, body }) => (condition !== null && some(condition, callsImpure)) || body.some(isImpure),
  )
}

function callsImpure(query: Query): boolean {
  if (query.kind === 'literal' && query.origin !== null) return some(query.origin, callsImpure)
  if (query.kind === 'function') return FUNCTIONS.get(query.name)?.impure === true
  return query.kind === 'method' && METHODS.get(query.name)?.impure === true
}

/** An interpolated string: its texts and queries, in order. */
export class CompiledInterpolation implements Interpolation {
  readonly static: string | null
  readonly #parts: readonly (string | Query)[]
  /** For each part, the index of its query; -1 for text. */
  readonly #places: readonly number[]
  readonly #queries: CompiledQueries
  readonly #frame = new Frame()
  readonly #draft = new MetadataDraft()

  constructor(parts: readonly (string | Query)[], queries: CompiledQueries) {
    let count = 0
    this.#parts = parts
    this.#places = parts.map(part => (typeof part === 'string' ? -1 : count++))
    this.#queries = queries
    this.static = count > 0 ? null : parts.join('')
  }

  eval(batch: readonly MessageView[], index: number): string {
    this.#enter(batch, index)
    let text = ''
    for (let at = 0; at < this.#parts.length; at++) {
      const part = this.#parts[at]!
      text += typeof part === 'string' ? part : toText(this.#value(at))
    }
    return text
  }

  evalBytes(batch: readonly MessageView[], index: number): Uint8Array {
    if (this.#parts.length !== 1 || this.static !== null) return utf8Bytes(this.eval(batch, index))
    this.#enter(batch, index)
    const value = this.#value(0)
    return value instanceof Uint8Array ? value : utf8Bytes(toText(value))
  }

  get reads(): readonly TargetPath[] {
    return this.#parts.flatMap(part => (typeof part === 'string' ? [] : queryReads(part)))
  }

  #enter(batch: readonly MessageView[], index: number): void {
    const frame = this.#frame.enter(batch, index, this.#draft.reset(messageAt(batch, index).metadata))
    frame.projector = this.#queries.projector
    this.#queries.enter(frame)
  }

  #value(at: number): Value {
    try {
      return this.#queries.runs[this.#places[at]!]!()
    } catch (error) {
      throw new MappingError(describe(error))
    }
  }
}
