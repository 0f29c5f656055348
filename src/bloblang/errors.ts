import type { Value, ValueType } from './value.ts'

/**
 * A mapping that failed at run time. Not an `Error`: mappings with `catch` and `|` throw thousands of them, and a stack
 * trace of compiled code does not help users. The frame adds the location:
 * ``failed assignment (line 3): field `this.a`: …``.
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
 * Whether an error's text still lacks its location. `open`: the frame of the method prefixes the target of the call.
 * `closed`: the text already names it (`cannot add types …`, a completed wrong type), but a text that wraps it is open
 * again. `sealed`: a frame has added it, which also holds for texts that wrap it.
 */
export type ErrorPlace = 'open' | 'closed' | 'sealed'

/**
 * A value of the wrong type. A method throws it bare; the frame completes the text with the target of the call:
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
