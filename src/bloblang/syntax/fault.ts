/**
 * The failure of a parser. The original's error texts come from ordered choice: of several alternatives the one that
 * got furthest is reported, and alternatives that got equally far join their expectations. So faults are values, not
 * exceptions.
 */
export class Fault {
  readonly at: number
  readonly expected: readonly string[]
  /** Set if no other alternative can match, so that none is tried. */
  readonly fatal: string | null
  readonly suggestions: readonly string[]
  readonly imported: ImportedFault | undefined
  /** Where the error begins, which may be before the position that the original reports. */
  readonly from: number
  /** The start of the enclosing statement; set by the mapping parser on the faults that it returns. */
  statementAt: number | null = null

  constructor(
    at: number,
    expected: readonly string[],
    fatal: string | null = null,
    extra?: { readonly suggestions?: readonly string[]; readonly imported?: ImportedFault; readonly from?: number },
  ) {
    this.at = at
    this.expected = expected
    this.fatal = fatal
    this.suggestions = extra?.suggestions ?? []
    this.imported = extra?.imported
    this.from = extra?.from ?? at
  }

  /** `required: expected a, b, or c`. */
  get message(): string {
    const fatal = this.fatal ?? ''
    const expected = [...new Set(this.expected)]
    if (expected.length === 0) return fatal === '' ? 'encountered unexpected input' : fatal
    const prefix = fatal === '' ? '' : `${fatal}: `
    if (expected.length === 1) return `${prefix}expected ${this.expected.length === 1 ? '' : ' or '}${expected[0]!}`
    return `${prefix}expected ${expected.slice(0, -1).join(', ')}${expected.length > 2 ? ',' : ''} or ${expected.at(-1)!}`
  }
}

/** A fault in an imported file. */
export interface ImportedFault {
  readonly path: string
  readonly text: string
  readonly fault: Fault
}

/** The same fault with other expectations, unless it is fatal. */
export function expecting(fault: Fault, ...expected: string[]): Fault {
  return fault.fatal === null ? new Fault(fault.at, expected) : fault
}

/** The same fault, made fatal: no other alternative is tried. */
export function required(fault: Fault): Fault {
  return fault.fatal === null ? new Fault(fault.at, fault.expected, 'required') : fault
}

/** A fault about the meaning of the text, such as an unknown name that starts at `from`. */
export function fatal(at: number, message: string, suggestions: readonly string[] = [], from = at): Fault {
  return new Fault(at, [], message, { suggestions, from })
}

/** The fault that got further; if both got equally far, their expectations are joined. */
export function further(first: Fault | null, second: Fault): Fault {
  if (first === null || second.at > first.at) return second
  return second.at < first.at ? first : joined(first, second)
}

/** The first fault, with the expectations of the second added. */
export function joined(first: Fault, second: Fault): Fault {
  return new Fault(first.at, [...first.expected, ...second.expected], first.fatal ?? second.fatal)
}
