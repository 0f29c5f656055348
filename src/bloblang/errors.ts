import type { Value, ValueType } from './value.ts'

/**
 * A mapping that failed at run time. Not an `Error`: mappings with `catch` and `|` throw by the thousand, and a stack trace
 * of compiled code helps nobody. The frame adds the place (`failed assignment (line 3): field \`this.a\`: …`).
 */
export class MappingError {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
  toString(): string {
    return this.message
  }
}

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
