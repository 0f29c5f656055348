import type { Json } from './json.ts'

/** The operators between two values, and `and`, `or`, `//`. */
export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '==' | '!=' | '<' | '<=' | '>' | '>=' | 'and' | 'or' | '//'

/** `=`, `|=` and the arithmetic update operators. */
export type AssignOperator = '=' | '|=' | '+=' | '-=' | '*=' | '/=' | '%=' | '//='

export type TextPart = string | Query

/** The syntax tree of a query. */
export type Query =
  | { readonly kind: 'identity' }
  | { readonly kind: 'literal'; readonly value: Json }
  | { readonly kind: 'text'; readonly format: string | undefined; readonly parts: readonly TextPart[] }
  | { readonly kind: 'format'; readonly name: string }
  | { readonly kind: 'index'; readonly target: Query; readonly key: Query }
  | {
      readonly kind: 'slice'
      readonly target: Query
      readonly from: Query | undefined
      readonly to: Query | undefined
    }
  | { readonly kind: 'iterate'; readonly target: Query }
  | { readonly kind: 'array'; readonly body: Query | undefined }
  | { readonly kind: 'object'; readonly entries: readonly ObjectEntry[] }
  | { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly operand: Query }
  | { readonly kind: 'pipe' | 'comma'; readonly left: Query; readonly right: Query }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Query; readonly right: Query }
  | { readonly kind: 'assign'; readonly operator: AssignOperator; readonly left: Query; readonly right: Query }
  | { readonly kind: 'if'; readonly condition: Query; readonly yes: Query; readonly no: Query | undefined }
  | { readonly kind: 'try'; readonly body: Query; readonly handler: Query | undefined }
  | {
      readonly kind: 'reduce'
      readonly source: Query
      readonly patterns: readonly Pattern[]
      readonly start: Query
      readonly update: Query
    }
  | {
      readonly kind: 'foreach'
      readonly source: Query
      readonly patterns: readonly Pattern[]
      readonly start: Query
      readonly update: Query
      readonly extract: Query | undefined
    }
  | { readonly kind: 'define'; readonly definition: Definition; readonly rest: Query }
  | { readonly kind: 'bind'; readonly source: Query; readonly patterns: readonly Pattern[]; readonly body: Query }
  | { readonly kind: 'label'; readonly name: string; readonly body: Query }
  | { readonly kind: 'break'; readonly name: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Query[] }

export interface ObjectEntry {
  readonly key: Query
  readonly value: Query
}

/** `def name(params): body;`. A parameter whose name begins with `$` is a value. */
export interface Definition {
  readonly name: string
  readonly params: readonly string[]
  readonly body: Query
}

/** A destructuring pattern. */
export type Pattern =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'array'; readonly items: readonly Pattern[] }
  | { readonly kind: 'object'; readonly entries: readonly PatternEntry[] }

export interface PatternEntry {
  readonly key: Query
  /** The variable that is bound to the whole value, as in `{$name: [$first]}`. */
  readonly variable: string | undefined
  readonly pattern: Pattern | undefined
}
