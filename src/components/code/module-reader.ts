/** A module that is not supported. */
export class ModuleError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ModuleError'
  }
}

/** The kinds of instructions that the meter distinguishes. */
type InstructionKind = 'loop' | 'call' | 'bulk' | 'other'

/** Reads part of a WebAssembly module. Throws a {@link ModuleError} at its end and at anything unknown. */
export class ModuleReader {
  at = 0
  readonly #source: Uint8Array

  constructor(source: Uint8Array) {
    this.#source = source
  }

  get atEnd(): boolean {
    return this.at >= this.#source.length
  }

  byte(): number {
    const byte = this.#source[this.at++]
    if (byte === undefined) throw new ModuleError('the module is cut off')
    return byte
  }

  bytes(length: number): Uint8Array {
    this.skip(length)
    return this.#source.subarray(this.at - length, this.at)
  }

  skip(length: number): void {
    this.at += length
    if (this.at > this.#source.length) throw new ModuleError('the module is cut off')
  }

  u32(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      if (scale > 2 ** 28) throw new ModuleError('an integer of the module is too long')
    }
  }

  /** Skips an integer of any width, signed or unsigned. */
  integer(): void {
    while (this.byte() >= 0x80);
  }

  valueTypes(): void {
    for (let count = this.u32(); count > 0; count--) this.valueType()
  }

  valueType(): void {
    const type = this.byte()
    // References to a type whose index follows.
    if (type === 0x63 || type === 0x64) this.integer()
    else if (type < 0x69 || type > 0x7f) throw new ModuleError(`the type 0x${type.toString(16)} is not supported`)
  }

  limits(): { readonly flags: number; readonly min: number; readonly max: number | undefined } {
    const flags = this.byte()
    const min = this.u32()
    return { flags, min, max: (flags & 1) === 0 ? undefined : this.u32() }
  }

  /** Skips one instruction. */
  instruction(): InstructionKind {
    const code = this.byte()
    if (code >= 0x45 && code <= 0xc4) return 'other'
    switch (code) {
      case 0x03:
        this.#blockType()
        return 'loop'
      case 0x02:
      case 0x04:
      case 0x06:
        this.#blockType()
        return 'other'
      case 0x10:
      case 0x12:
      case 0x14:
      case 0x15:
        this.integer()
        return 'call'
      case 0x11:
      case 0x13:
        this.integer()
        this.integer()
        return 'call'
      case 0x40:
        this.integer()
        return 'bulk'
      case 0x0e:
        for (let count = this.u32() + 1; count > 0; count--) this.integer()
        return 'other'
      case 0x1c:
        this.valueTypes()
        return 'other'
      case 0x1f:
        this.#tryTable()
        return 'other'
      case 0x43:
        this.skip(4)
        return 'other'
      case 0x44:
        this.skip(8)
        return 'other'
      case 0xfc:
        return this.#prefixed()
      case 0xfd:
        this.#vector()
        return 'other'
      case 0xfe:
        this.#atomic()
        return 'other'
      default:
        this.#simple(code)
        return 'other'
    }
  }

  #simple(code: number): void {
    if (PLAIN.has(code)) return
    if (WITH_INDEX.has(code)) return this.integer()
    if (code >= 0x28 && code <= 0x3e) return this.#memoryArgument()
    throw unknown(code.toString(16))
  }

  #blockType(): void {
    const first = this.#source[this.at]
    if (first === 0x63 || first === 0x64) this.valueType()
    else this.integer()
  }

  #tryTable(): void {
    this.#blockType()
    for (let count = this.u32(); count > 0; count--) {
      if (this.byte() < 2) this.integer()
      this.integer()
    }
  }

  #memoryArgument(): void {
    if ((this.u32() & 0x40) !== 0) this.integer()
    this.integer()
  }

  #prefixed(): InstructionKind {
    const code = this.u32()
    if (code <= 7) return 'other'
    const operands = PREFIXED_OPERANDS[code]
    if (operands === undefined) throw unknown(`fc ${code}`)
    for (let i = 0; i < operands; i++) this.integer()
    return BULK.has(code) ? 'bulk' : 'other'
  }

  #vector(): void {
    const code = this.u32()
    if (code <= 11 || code === 92 || code === 93) this.#memoryArgument()
    else if (code === 12 || code === 13) this.skip(16)
    else if (code >= 21 && code <= 34) this.skip(1)
    else if (code >= 84 && code <= 91) {
      this.#memoryArgument()
      this.skip(1)
    } else if (code > 275) throw unknown(`fd ${code}`)
  }

  #atomic(): void {
    const code = this.u32()
    if (code === 3) this.skip(1)
    else if (code <= 2 || (code >= 0x10 && code <= 0x4e)) this.#memoryArgument()
    else throw unknown(`fe ${code}`)
  }
}

function unknown(code: string): ModuleError {
  return new ModuleError(`the instruction 0x${code} is not supported`)
}

/** Instructions without immediates: control, `catch_all`, drop, select, reference tests. */
const PLAIN = new Set([0x00, 0x01, 0x05, 0x0a, 0x0b, 0x0f, 0x19, 0x1a, 0x1b, 0xd1, 0xd3, 0xd4])
/** Instructions with one index or integer: exceptions, branches, variables, tables, sizes, constants, references. */
const WITH_INDEX = new Set([
  ...[0x07, 0x08, 0x09, 0x0c, 0x0d, 0x18],
  ...[0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26],
  ...[0x3f, 0x41, 0x42, 0xd0, 0xd2, 0xd5, 0xd6],
])
/** Number of indexes after each instruction with the prefix 0xfc: those of memories and tables. */
const PREFIXED_OPERANDS: Readonly<Record<number, number>> = {
  8: 2,
  9: 1,
  10: 2,
  11: 1,
  12: 2,
  13: 1,
  14: 2,
  15: 1,
  16: 1,
  17: 1,
}
/** `init`, `copy`, `fill` and `grow` of memories and tables. */
const BULK = new Set([8, 10, 11, 12, 14, 15, 17])
