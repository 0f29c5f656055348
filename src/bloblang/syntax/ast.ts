import type { Value } from '../value.ts'
import type { BoundArguments } from './arguments.ts'

/** A range of the text, in UTF-16 units. */
interface Span {
  readonly start: number
  readonly end: number
}

/** The binary operators. */
export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '==' | '!=' | '>' | '>=' | '<' | '<=' | '&&' | '||' | '|'

/** An expression. */
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

/** A value known when the mapping is parsed, either written as a literal or folded. */
export interface Literal {
  readonly kind: 'literal'
  readonly value: Value
  /** Its name in error texts if that is not simply `string literal` or the like. */
  readonly annotation: string | null
  /** The query it was folded from, if its value cannot be written as a literal. */
  readonly origin: Query | null
  readonly span: Span
}

/** `this.a.b`, `root.a`, `element.a`. */
interface Field {
  readonly kind: 'field'
  /** `this`, `root` or the name of a lambda parameter. */
  readonly base: string
  readonly path: readonly string[]
  readonly span: Span
}

/** `f().a.b`: fields of anything other than a name. */
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

/** `@key` reads the metadata of the message under construction; `@` alone means all of it and has the empty key. */
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

/** `target.(query)`: the query evaluated with the target as `this`. */
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

/** `-x` is parsed as `0 - x`, marked for the printer. */
export interface Binary {
  readonly kind: 'binary'
  readonly operator: BinaryOperator
  readonly left: Query
  readonly right: Query
  readonly negation: boolean
  readonly span: Span
}

/** `[…]` with at least one element that is not known when the mapping is parsed. */
interface ArrayLiteral {
  readonly kind: 'array'
  readonly items: readonly Query[]
  readonly span: Span
}

/** `{…}` with at least one key or value that is not known when the mapping is parsed. */
export interface ObjectLiteral {
  readonly kind: 'object'
  readonly entries: readonly { readonly key: string | Query; readonly value: Query }[]
  readonly span: Span
}

/** `pattern => result`. */
export interface MatchCase {
  /** null for `_`. A literal is compared with the subject, anything else must evaluate to true. */
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

/** `if condition { … } else { … }` as an expression. */
export interface If {
  readonly kind: 'if'
  readonly branches: readonly { readonly condition: Query; readonly result: Query }[]
  readonly otherwise: Query | null
  readonly span: Span
}

/** `name -> body`; `_` discards the value. */
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
  /** null for all of the metadata. */
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

/** An executable statement of a mapping. */
export type Statement = Assignment | IfStatement

/** `map name { … }`. */
export interface MapDefinition {
  readonly name: string
  readonly body: readonly Statement[]
  /** The text that contains it; line numbers in a map count from the line of its definition. */
  readonly text: string
  readonly span: Span
}

/** A whole mapping. */
export interface MappingTree {
  readonly text: string
  readonly statements: readonly Statement[]
  readonly maps: ReadonlyMap<string, MapDefinition>
  /** The imports as written, in text order, for the printer. */
  readonly imports: readonly string[]
  /** Whether the whole mapping is a single query without `root =`. */
  readonly shorthand: boolean
  /** The path in `from "file"`, if the mapping is that file. */
  readonly from: string | null
}
