import { messageOf } from '../../base/index.ts'
import { compileRe2, type Re2 } from '../../bloblang/index.ts'
import { AwkError, Input, type Scalar, toNumber, toText } from './values.ts'

export type AwkArray = Map<string, Scalar>

/** Limit of loop iterations and calls per message, which ends an endless program after a few seconds. */
const MAX_STEPS = 20_000_000
/** Limit of characters that one message may print, or hold in one string. */
const MAX_LENGTH = 1 << 27
const MAX_FIELDS = 1_000_000
/** Limit of array elements that one message may add, at some 300 bytes each, including deleted ones. */
const MAX_ELEMENTS = 1_000_000
const MAX_CALL_DEPTH = 1000
const MAX_PATTERNS = 200

/** A function that a program can call without defining it. */
export type Native = (args: readonly Scalar[]) => Scalar

/** A run of a program: its variables, the current record, and the output. */
export class Machine {
  readonly globals = new Map<string, Scalar | AwkArray>()
  readonly natives: Readonly<Record<string, Native>>
  readonly #patterns: Map<string, Re2>
  readonly #input: string
  #at = 0
  #record = ''
  /** Undefined until a field is accessed. */
  #fields: Scalar[] | undefined
  #isRecordStale = false
  #output: string[] = []
  #length = 0
  #steps = MAX_STEPS
  #elements = MAX_ELEMENTS
  #depth = 0
  errors = ''
  convfmt = '%.6g'
  exitStatus = 0
  returned: Scalar

  constructor(input: string, natives: Readonly<Record<string, Native>>, patterns: Map<string, Re2>) {
    this.#input = input
    this.natives = natives
    this.#patterns = patterns
    for (const [name, value] of Object.entries(DEFAULTS)) this.globals.set(name, value)
    this.globals.set('ENVIRON', new Map()).set('ARGV', new Map<string, Scalar>([['0', '']]))
  }

  get output(): string {
    return this.#output.join('')
  }

  tick(): void {
    if (--this.#steps < 0) throw new AwkError(`the program took more than ${MAX_STEPS} steps`)
  }

  call<T>(name: string, run: () => T): T {
    this.tick()
    if (++this.#depth > MAX_CALL_DEPTH) {
      throw new AwkError(`calling "${name}" exceeded maximum call depth of ${MAX_CALL_DEPTH}`)
    }
    const result = run()
    this.#depth--
    return result
  }

  print(text: string): void {
    this.#length += this.checked(text).length
    if (this.#length > MAX_LENGTH) throw new AwkError('the program prints too much')
    this.#output.push(text)
    if (this.#output.length > 10_000) this.#output = [this.#output.join('')]
  }

  checked(text: string): string {
    if (text.length > MAX_LENGTH) throw new AwkError('a text becomes too long')
    return text
  }

  text(value: Scalar): string {
    return typeof value === 'string' ? value : toText(value, this.convfmt)
  }

  pattern(source: string): Re2 {
    const known = this.#patterns.get(source)
    if (known !== undefined) return known
    if (this.#patterns.size >= MAX_PATTERNS) this.#patterns.clear()
    try {
      const compiled = compileRe2(source)
      this.#patterns.set(source, compiled)
      return compiled
    } catch (error) {
      throw new AwkError(`invalid regex ${JSON.stringify(source)}: ${messageOf(error)}`)
    }
  }

  variable(name: string): Scalar {
    if (name === 'NF') return this.#split().length
    const value = this.globals.get(name)
    if (value instanceof Map) throw new AwkError(`can't use array "${name}" as scalar`)
    return value
  }

  setVariable(name: string, value: Scalar): void {
    switch (name) {
      case 'NF':
        this.#resize(Math.trunc(toNumber(value)))
        return
      case 'CONVFMT':
        this.convfmt = this.text(value)
        break
      case 'FS':
        // A record is split with the separator that was set when it was read.
        this.#split()
        break
      default:
    }
    this.globals.set(name, value)
  }

  array(name: string): AwkArray {
    const value = this.globals.get(name)
    if (value instanceof Map) return value
    if (value !== undefined) throw new AwkError(`can't use scalar "${name}" as array`)
    const made: AwkArray = new Map()
    this.globals.set(name, made)
    return made
  }

  store(array: AwkArray, key: string, value: Scalar): void {
    const { size } = array
    array.set(key, value)
    if (array.size > size && --this.#elements < 0) throw new AwkError('the arrays become too large')
  }

  field(index: number): Scalar {
    if (index === 0) return new Input(this.record)
    if (index < 0) throw new AwkError(`field index negative: ${index}`)
    return this.#split()[index - 1]
  }

  setField(index: number, value: Scalar): void {
    if (index === 0) {
      this.record = this.text(value)
      return
    }
    if (index < 0) throw new AwkError(`field index negative: ${index}`)
    if (index > MAX_FIELDS) throw new AwkError(`field index too large: ${index}`)
    const fields = this.#split()
    while (fields.length < index) fields.push(new Input(''))
    fields[index - 1] = new Input(this.text(value))
    this.#isRecordStale = true
  }

  get record(): string {
    if (this.#isRecordStale) {
      this.#record = this.#fields!.map(field => this.text(field)).join(this.text(this.variable('OFS')))
      this.#isRecordStale = false
    }
    return this.#record
  }

  set record(text: string) {
    this.#record = this.checked(text)
    this.#isRecordStale = false
    this.#fields = undefined
  }

  /** The next record of the input; undefined at its end. */
  read(): string | undefined {
    if (this.#at >= this.#input.length) return undefined
    const separator = this.text(this.variable('RS'))
    if (separator === '') return this.#readParagraph()
    if (separator === '\n') return this.#readUntil(this.#input.indexOf('\n', this.#at), 1)
    if (separator.length === 1) return this.#readUntil(this.#input.indexOf(separator, this.#at), 1)
    const match = this.pattern(separator).match(this.#input, this.#at)
    if (match === undefined || match[0] === match[1]) return this.#readUntil(-1, 0)
    return this.#readUntil(match[0]!, match[1]! - match[0]!)
  }

  #readUntil(end: number, separatorLength: number): string {
    const start = this.#at
    const isLast = end === -1
    this.#at = isLast ? this.#input.length : end + separatorLength
    let record = this.#input.slice(start, isLast ? undefined : end)
    if (isLast && separatorLength === 0 && record.endsWith('\n')) record = record.slice(0, -1)
    if (separatorLength === 1 && record.endsWith('\r') && this.text(this.variable('RS')) === '\n')
      record = record.slice(0, -1)
    for (const name of ['NR', 'FNR']) this.globals.set(name, toNumber(this.variable(name)) + 1)
    return record
  }

  #readParagraph(): string | undefined {
    while (this.#input[this.#at] === '\n') this.#at++
    if (this.#at >= this.#input.length) return undefined
    const end = /\n\n+/g
    end.lastIndex = this.#at
    const match = end.exec(this.#input)
    return this.#readUntil(match?.index ?? -1, match?.[0].length ?? 0)
  }

  split(text: string, separator: string): string[] {
    if (text === '') return []
    if (separator === ' ') return text.split(/[ \t\n\v\f\r]+/).filter(part => part !== '')
    if ([...separator].length <= 1) return separator === '' ? [...text] : text.split(separator)
    return this.splitBy(text, this.pattern(separator))
  }

  splitBy(text: string, pattern: Re2): string[] {
    const parts: string[] = []
    let from = 0
    for (const [start, end] of pattern.matchAll(text)) {
      if (start === end) continue
      parts.push(text.slice(from, start))
      from = end!
    }
    return [...parts, text.slice(from)]
  }

  #split(): Scalar[] {
    if (this.#fields !== undefined) return this.#fields
    const separator = this.text(this.globals.get('FS') as Scalar) // only scalars are ever assigned to it
    const isParagraph = this.globals.get('RS') === '' && separator !== ' '
    const source =
      separator === '\t' || separator.length !== 1 ? separator : separator.replace(/[.*+?^${}()|[\]\\]/, '\\$&')
    const parts = isParagraph ? this.split(this.#record, `(?:${source})|\n`) : this.split(this.#record, separator)
    this.#fields = parts.map(part => new Input(part))
    return this.#fields
  }

  #resize(count: number): void {
    if (count < 0) throw new AwkError(`NF set to negative value: ${count}`)
    if (count > MAX_FIELDS) throw new AwkError(`NF set too large: ${count}`)
    const fields = this.#split()
    while (fields.length < count) fields.push(new Input(''))
    fields.length = count
    this.#isRecordStale = true
  }
}

const DEFAULTS: Readonly<Record<string, Scalar>> = {
  ARGC: 1,
  CONVFMT: '%.6g',
  FILENAME: '-',
  FNR: 0,
  FS: ' ',
  NR: 0,
  OFMT: '%.6g',
  OFS: ' ',
  ORS: '\n',
  RLENGTH: 0,
  RS: '\n',
  RSTART: 0,
  SUBSEP: '\u001c',
}
