import type { Value } from '../value.ts'
import type { BoundArguments } from './arguments.ts'

/** A place in the text, in UTF-16 units. */
interface Span {
  readonly start: number
  readonly end: number
}

/** The operators between two sides. */
export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '==' | '!=' | '>' | '>=' | '<' | '<=' | '&&' | '||' | '|'

/** Anything that has a value. */
export type Query =
  | Literal
  | Field
  | Path
  | Variable
  | Metadata
  | FunctionCall
  | MethodCall
  | Nested
  | Index
  | Slice
  | Not
  | Binary
  | ArrayLiteral
  | ObjectLiteral
  | Match
  | If
  | Lambda

/** A value that is known when the mapping is parsed, written as one or folded. */
export interface Literal {
  readonly kind: 'literal'
  readonly value: Value
  /** What error texts call it where it is not simply `string literal`. */
  readonly annotation: string | null
  /** What it was folded from, where its value could not be written as a literal. */
  readonly origin: Query | null
  readonly span: Span
}

/** `this.a.b`, `root.a`, `element.a`. */
interface Field {
  readonly kind: 'field'
  /** `this`, `root` or the name of a lambda's parameter. */
  readonly base: string
  readonly path: readonly string[]
  readonly span: Span
}

/** `f().a.b`: fields of anything but a name. */
interface Path {
  readonly kind: 'path'
  readonly target: Query
  readonly path: readonly string[]
  readonly span: Span
}

/** `$name`. */
interface Variable {
  readonly kind: 'variable'
  readonly name: string
  readonly span: Span
}

/** `@key` reads the message being made; `@` alone is all of it, as the empty key. */
export interface Metadata {
  readonly kind: 'metadata'
  readonly key: string
  readonly span: Span
}

/** `name(…)`. */
export interface FunctionCall {
  readonly kind: 'function'
  readonly name: string
  readonly args: BoundArguments
  readonly span: Span
}

/** `target.name(…)`. */
export interface MethodCall {
  readonly kind: 'method'
  readonly target: Query
  readonly name: string
  readonly args: BoundArguments
  readonly span: Span
}

/** `target.(query)`: the query with the target as `this`. */
interface Nested {
  readonly kind: 'nested'
  readonly target: Query
  readonly query: Query
  readonly span: Span
}

/** `target[index]`. */
export interface Index {
  readonly kind: 'index'
  readonly target: Query
  readonly index: Query
  readonly span: Span
}

/** `target[from:to:step]`. */
export interface Slice {
  readonly kind: 'slice'
  readonly target: Query
  readonly from: Query | null
  readonly to: Query | null
  readonly step: Query | null
  readonly span: Span
}

/** `!operand`. */
interface Not {
  readonly kind: 'not'
  readonly operand: Query
  readonly span: Span
}

/** `-x` is `0 - x`, marked for the printer. */
export interface Binary {
  readonly kind: 'binary'
  readonly operator: BinaryOperator
  readonly left: Query
  readonly right: Query
  readonly negation: boolean
  readonly span: Span
}

/** `[…]` of which some element is not known when it is parsed. */
interface ArrayLiteral {
  readonly kind: 'array'
  readonly items: readonly Query[]
  readonly span: Span
}

/** `{…}` of which some key or value is not known when it is parsed. */
export interface ObjectLiteral {
  readonly kind: 'object'
  readonly entries: readonly { readonly key: string | Query; readonly value: Query }[]
  readonly span: Span
}

/** `pattern => result`. */
export interface MatchCase {
  /** null: `_`. A literal compares with the subject, anything else has to be true. */
  readonly pattern: Query | null
  readonly result: Query
}

/** `match subject { … }`. */
export interface Match {
  readonly kind: 'match'
  readonly subject: Query | null
  readonly cases: readonly MatchCase[]
  readonly span: Span
}

/** `if condition { … } else { … }` as a value. */
export interface If {
  readonly kind: 'if'
  readonly branches: readonly { readonly condition: Query; readonly result: Query }[]
  readonly otherwise: Query | null
  readonly span: Span
}

/** `name -> body`; `_` drops the value. */
export interface Lambda {
  readonly kind: 'lambda'
  readonly parameter: string
  readonly body: Query
  readonly span: Span
}

/** What an assignment writes to. */
type Target =
  | {
      readonly kind: 'root'
      readonly path: readonly string[] /** Written with `root` in front. */
      readonly explicit: boolean
    }
  | { readonly kind: 'variable'; readonly name: string }
  /** null: all of the metadata. */
  | { readonly kind: 'metadata'; readonly key: string | null }

/** `target = query`. */
export interface Assignment {
  readonly kind: 'assignment'
  readonly target: Target
  readonly query: Query
  readonly span: Span
}

/** `if condition { … }` around statements. */
export interface IfStatement {
  readonly kind: 'if'
  /** A null condition is the `else`. */
  readonly branches: readonly { readonly condition: Query | null; readonly body: readonly Statement[] }[]
  readonly span: Span
}

/** A line of a mapping that does something. */
export type Statement = Assignment | IfStatement

/** `map name { … }`. */
export interface MapDefinition {
  readonly name: string
  readonly body: readonly Statement[]
  /** The text that holds it, for the numbers of its lines, which count from the line of the definition. */
  readonly text: string
  readonly span: Span
}

/** A whole mapping. */
export interface MappingTree {
  readonly text: string
  readonly statements: readonly Statement[]
  readonly maps: ReadonlyMap<string, MapDefinition>
  /** What was written, in the order of the text; the printer needs it. */
  readonly imports: readonly string[]
  /** The whole mapping is one query without `root =`. */
  readonly shorthand: boolean
  /** The path of `from "file"`, where the mapping is that file. */
  readonly from: string | null
}
