import type { Value, ValueType } from './value.ts'

/**
 * A mapping that failed at run time. Not an `Error`: mappings with `catch` and `|` throw by the thousand, and a stack trace
 * of compiled code helps no user. The frame adds the place (`failed assignment (line 3): field \`this.a\`: …`).
 */
export class MappingError {
  readonly message: string
  readonly place: ErrorPlace
  constructor(message: string, place: ErrorPlace = 'open') {
    this.message = message
    this.place = place
  }
  toString(): string {
    return this.message
  }
}

/**
 * Whether a text still lacks the place where it failed. `open`: the frame of the method puts what it was called on before it.
 * `closed`: it names its place already (`cannot add types …`, a completed wrong type); a text that wraps it is open again.
 * `sealed`: a frame has put the place before it; that holds for texts that wrap it, too.
 */
export type ErrorPlace = 'open' | 'closed' | 'sealed'

/**
 * A value of the wrong type. A method throws it bare; the frame completes the text with what the method was called on:
 * ``expected number value, got string from field `this.a` ("foo")``.
 */
export class WrongTypeError {
  readonly expected: readonly ValueType[]
  readonly actual: Value
  constructor(expected: readonly ValueType[], actual: Value) {
    this.expected = expected
    this.actual = actual
  }
}
