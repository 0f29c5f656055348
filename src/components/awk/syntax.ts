/** A target of an assignment. */
export type Place =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'field'; readonly index: Expression }
  | { readonly kind: 'element'; readonly array: string; readonly index: readonly Expression[] }

export type Arithmetic = '+' | '-' | '*' | '/' | '%' | '^'
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

export type Expression =
  | Place
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  /** Stands for `$0 ~ /…/`, except as the pattern of a match or of a function. */
  | { readonly kind: 'regex'; readonly source: string }
  | { readonly kind: 'group'; readonly inner: Expression }
  | { readonly kind: 'unary'; readonly operator: '!' | '+' | '-'; readonly operand: Expression }
  | {
      readonly kind: 'arithmetic'
      readonly operator: Arithmetic
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'match'; readonly negated: boolean; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'and' | 'or' | 'concat'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'in'; readonly index: readonly Expression[]; readonly array: string }
  | { readonly kind: 'conditional'; readonly condition: Expression; readonly yes: Expression; readonly no: Expression }
  | {
      readonly kind: 'assign'
      readonly place: Place
      readonly operator: Arithmetic | undefined
      readonly value: Expression
    }
  | { readonly kind: 'step'; readonly place: Place; readonly by: 1 | -1; readonly isPrefix: boolean }
  | { readonly kind: 'getline'; readonly place: Place | undefined }
  | { readonly kind: 'builtin'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }

export type Statement =
  | { readonly kind: 'expression'; readonly expression: Expression }
  | { readonly kind: 'print' | 'printf'; readonly args: readonly Expression[]; readonly target: Expression | undefined }
  | { readonly kind: 'delete'; readonly array: string; readonly index: readonly Expression[] }
  | { readonly kind: 'if'; readonly condition: Expression; readonly yes: Block; readonly no: Block }
  | { readonly kind: 'while'; readonly condition: Expression; readonly body: Block }
  | { readonly kind: 'do'; readonly condition: Expression; readonly body: Block }
  | {
      readonly kind: 'for'
      readonly before: Statement | undefined
      readonly condition: Expression | undefined
      readonly after: Statement | undefined
      readonly body: Block
    }
  | { readonly kind: 'forIn'; readonly variable: string; readonly array: string; readonly body: Block }
  | { readonly kind: 'block'; readonly body: Block }
  | { readonly kind: 'break' | 'continue' | 'next' | 'nextfile' }
  | { readonly kind: 'exit' | 'return'; readonly value: Expression | undefined }

export type Block = readonly Statement[]

/** An action for the records that match its pattern: one expression, or the first and last of a range. */
export interface Rule {
  readonly pattern: readonly Expression[]
  /** Undefined if the record is printed. */
  readonly body: Block | undefined
}

export interface FunctionDefinition {
  readonly name: string
  readonly params: readonly string[]
  readonly body: Block
}

export interface Program {
  readonly begin: readonly Block[]
  readonly rules: readonly Rule[]
  readonly end: readonly Block[]
  readonly functions: ReadonlyMap<string, FunctionDefinition>
}
