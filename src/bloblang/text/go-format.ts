/** Go's fmt.Sprintf for values of the language, including its error notation for mismatched verbs: `%!d(string=x)`. */
import { isArray } from '../data/coerce.ts'
import { Float, JsonNumber, Timestamp, Uint64, type Value, type ValueObject, NarrowInteger } from '../value.ts'
import { utf8Bytes, utf8Text } from './bytes.ts'
import { formatFloat, type FloatVerb } from './go-float.ts'
import { isPrintable, quote, quoteRune } from './quote.ts'
import { checkSize } from './target.ts'
import { goTypeName } from './go-value.ts'
import { goTimeLiteral, goTimeString, timeFields } from './go-time.ts'

/** Go's limit for widths and precisions; larger ones are not parsed as numbers. */
const MAX_NUMBER = 1_000_000

/** Replaces the verbs of `format` by the arguments. */
export function sprintf(format: string, args: readonly Value[]): string {
  return new Printer(args).run(format)
}

class Printer {
  readonly #args: readonly Value[]
  #out = ''
  #next = 0
  #reordered = false
  #goodIndex = true
  #sharp = false
  #zero = false
  #plus = false
  #minus = false
  #space = false
  #sharpV = false
  #width = 0
  #hasWidth = false
  #precision = 0
  #hasPrecision = false

  constructor(args: readonly Value[]) {
    this.#args = args
  }

  run(format: string): string {
    let at = 0
    while (at < format.length) {
      const percent = format.indexOf('%', at)
      if (percent < 0) {
        this.#write(format.slice(at))
        break
      }
      this.#write(format.slice(at, percent))
      at = this.#directive(format, percent + 1)
    }
    if (!this.#reordered && this.#next < this.#args.length) this.#extra()
    return this.#out
  }

  #write(text: string): void {
    this.#out += text
    if (this.#out.length > MAX_NUMBER) checkSize(this.#out.length, 'the formatted text')
  }

  /** Parses one directive after its percent sign and prints it; returns the position after it. */
  #directive(format: string, start: number): number {
    this.#goodIndex = true
    this.#clearFlags()
    let at = this.#flags(format, start)
    let afterIndex = false
    if (format[at] === '[') [at, afterIndex] = this.#index(format, at)
    if (format[at] === '*') {
      at++
      this.#widthFromArgument()
      afterIndex = false
    } else if (isDigit(format, at)) {
      const width = readNumber(format, at)
      at = width.end
      this.#hasWidth = width.value !== undefined
      this.#width = width.value ?? 0
      if (afterIndex && this.#hasWidth) this.#goodIndex = false
    }
    if (format[at] === '.' && at + 1 < format.length) {
      at++
      if (afterIndex) this.#goodIndex = false
      ;[at, afterIndex] = this.#index(format, at)
      if (format[at] === '*') {
        at++
        this.#precisionFromArgument()
        afterIndex = false
      } else {
        const precision = readNumber(format, at)
        at = precision.end
        this.#hasPrecision = true
        this.#precision = precision.value ?? 0
      }
    }
    if (!afterIndex && format[at] === '[') [at] = this.#index(format, at)
    if (at >= format.length) {
      this.#write('%!(NOVERB)')
      return at
    }
    const verb = format.charCodeAt(at) < 128 ? format[at]! : String.fromCodePoint(format.codePointAt(at)!)
    this.#verb(verb)
    return at + verb.length
  }

  #verb(verb: string): void {
    if (verb === '%') return this.#write('%')
    if (!this.#goodIndex) return this.#write(`%!${verb}(BADINDEX)`)
    if (this.#next >= this.#args.length) return this.#write(`%!${verb}(MISSING)`)
    if (verb === 'v' || verb === 'w') {
      this.#sharpV = this.#sharp
      this.#sharp = false
      this.#plus = false
    }
    this.#argument(this.#args[this.#next++]!, verb)
  }

  #flags(format: string, start: number): number {
    let at = start
    for (; at < format.length; at++) {
      const flag = format[at]
      if (flag === '#') this.#sharp = true
      else if (flag === '0') this.#zero = true
      else if (flag === '+') this.#plus = true
      else if (flag === '-') this.#minus = true
      else if (flag === ' ') this.#space = true
      else break
    }
    return at
  }

  /** `[2]`: the number of the next argument. */
  #index(format: string, at: number): [number, boolean] {
    if (format[at] !== '[') return [at, false]
    this.#reordered = true
    const close = format.indexOf(']', at + 1)
    if (close < 0 || format.length - at < 3) {
      this.#goodIndex = false
      return [at + 1, false]
    }
    const number = readNumber(format.slice(0, close), at + 1)
    if (number.value === undefined || number.end !== close) {
      this.#goodIndex = false
      return [close + 1, false]
    }
    if (number.value < 1 || number.value > this.#args.length) {
      this.#goodIndex = false
      return [close + 1, true]
    }
    this.#next = number.value - 1
    return [close + 1, true]
  }

  #integerArgument(): number | undefined {
    if (this.#next >= this.#args.length) return undefined
    const argument = this.#args[this.#next++]!
    const value = typeof argument === 'bigint' ? argument : argument instanceof Uint64 ? argument.value : undefined
    if (value === undefined || value > BigInt(MAX_NUMBER) || value < -BigInt(MAX_NUMBER)) return undefined
    return Number(value)
  }

  #widthFromArgument(): void {
    const width = this.#integerArgument()
    this.#hasWidth = width !== undefined
    if (width === undefined) this.#write('%!(BADWIDTH)')
    this.#width = Math.abs(width ?? 0)
    if (width !== undefined && width < 0) {
      this.#minus = true
      this.#zero = false
    }
  }

  #precisionFromArgument(): void {
    const precision = this.#integerArgument()
    this.#hasPrecision = precision !== undefined && precision >= 0
    this.#precision = this.#hasPrecision ? precision! : 0
    if (!this.#hasPrecision) this.#write('%!(BADPREC)')
  }

  #extra(): void {
    this.#clearFlags()
    this.#write('%!(EXTRA ')
    for (let i = this.#next; i < this.#args.length; i++) {
      const argument = this.#args[i]!
      if (i > this.#next) this.#write(', ')
      if (argument === null) {
        this.#write('<nil>')
        continue
      }
      this.#write(`${goTypeName(argument)}=`)
      this.#argument(argument, 'v')
    }
    this.#write(')')
  }

  #clearFlags(): void {
    this.#sharp = this.#zero = this.#plus = this.#minus = this.#space = false
    this.#sharpV = this.#hasWidth = this.#hasPrecision = false
    this.#width = this.#precision = 0
  }

  #argument(value: Value, verb: string): void {
    if (value === null) return verb === 'T' || verb === 'v' ? this.#pad('<nil>') : this.#write(`%!${verb}(<nil>)`)
    if (verb === 'T') return this.#string(goTypeName(value), 's', value)
    if (verb === 'p') return this.#write(`%!p(${goTypeName(value)}=${new Printer([value]).run('%v')})`)
    this.#value(value, verb)
  }

  #value(value: Value, verb: string): void {
    if (typeof value === 'string') return this.#string(value, verb, value)
    if (typeof value === 'boolean') {
      return verb === 't' || verb === 'v' ? this.#pad(String(value)) : this.#badVerb(verb, value)
    }
    if (typeof value === 'bigint') return this.#integer(value, true, verb, value)
    if (value instanceof Uint64) return this.#integer(value.value, isSigned(value), verb, value)
    if (value instanceof Float) return this.#float(value.value, verb, value)
    if (typeof value === 'number') return this.#string(String(value), verb, value)
    if (value instanceof JsonNumber) return this.#string(value.text, verb, value)
    if (value instanceof Uint8Array) return this.#bytes(value, verb)
    if (value instanceof Timestamp) return this.#timestamp(value, verb)
    // `%w` wraps errors, which do not exist here; anything with parts is reported as a whole.
    if (verb === 'w' && typeof value === 'object' && value !== null) return this.#badVerb(verb, value)
    if (isArray(value)) return this.#array(value, verb)
    // Arrays and value classes were handled above.
    if (typeof value === 'object' && value !== null) return this.#object(value as ValueObject, verb)
    this.#write(value === null ? '<nil>' : this.#sharpV ? `${goTypeName(value)}(nil)` : '<nil>')
  }

  #badVerb(verb: string, value: Value): void {
    this.#write(`%!${verb}(${goTypeName(value)}=`)
    this.#value(value, 'v')
    this.#write(')')
  }

  #pad(text: string): void {
    if (!this.#hasWidth) return this.#write(text)
    const missing = this.#width - runeCount(text)
    if (missing <= 0) return this.#write(text)
    if (this.#minus) return this.#write(text + ' '.repeat(missing))
    this.#write((this.#zero ? '0' : ' ').repeat(missing) + text)
  }

  #padWithSpaces(text: string): void {
    const zero = this.#zero
    this.#zero = false
    this.#pad(text)
    this.#zero = zero
  }

  #string(text: string, verb: string, value: Value): void {
    switch (verb) {
      case 'v':
        return this.#sharpV ? this.#quoted(text) : this.#pad(this.#truncate(text))
      case 's':
        return this.#pad(this.#truncate(text))
      case 'x':
      case 'X':
        return this.#hex(utf8Bytes(text), verb)
      case 'q':
        return this.#quoted(text)
      default:
        return this.#badVerb(verb, value)
    }
  }

  #truncate(text: string): string {
    if (!this.#hasPrecision || text.length <= this.#precision) return text
    return Array.from(text).slice(0, this.#precision).join('')
  }

  #quoted(text: string): void {
    const cut = this.#truncate(text)
    if (this.#sharp && canBackquote(cut)) return this.#pad(`\`${cut}\``)
    this.#pad(quote(cut, this.#plus))
  }

  #hex(bytes: Uint8Array, verb: string): void {
    const shown = this.#hasPrecision ? bytes.subarray(0, this.#precision) : bytes
    if (shown.length === 0) {
      if (this.#hasWidth) this.#write((this.#zero && !this.#minus ? '0' : ' ').repeat(this.#width))
      return
    }
    const prefix = this.#sharp ? '0x' : ''
    const text = Buffer.from(shown).toString('hex')
    const body = this.#space ? prefix + text.match(/../g)!.join(` ${prefix}`) : prefix + text
    this.#pad(verb === 'X' ? body.toUpperCase() : body)
  }

  #integer(value: bigint, signed: boolean, verb: string, original: Value): void {
    switch (verb) {
      case 'v':
        if (!this.#sharpV || signed) return this.#digits(value, 10, verb)
        return this.#sharpHex(value)
      case 'd':
        return this.#digits(value, 10, verb)
      case 'b':
        return this.#digits(value, 2, verb)
      case 'o':
      case 'O':
        return this.#digits(value, 8, verb)
      case 'x':
      case 'X':
        return this.#digits(value, 16, verb)
      case 'c':
        return this.#pad(runeText(BigInt.asUintN(64, value)))
      case 'q':
        return this.#pad(quoteRune(Number(clampRune(BigInt.asUintN(64, value))), this.#plus))
      case 'U':
        return this.#unicode(BigInt.asUintN(64, value))
      default:
        return this.#badVerb(verb, original)
    }
  }

  #sharpHex(value: bigint): void {
    const sharp = this.#sharp
    this.#sharp = true
    this.#digits(value, 16, 'v')
    this.#sharp = sharp
  }

  #digits(value: bigint, base: 2 | 8 | 10 | 16, verb: string): void {
    const negative = value < 0n
    let precision = 0
    if (this.#hasPrecision) {
      precision = this.#precision
      if (precision === 0 && value === 0n) return this.#write(' '.repeat(this.#width))
    } else if (this.#zero && !this.#minus && this.#hasWidth) {
      precision = this.#width - (negative || this.#plus || this.#space ? 1 : 0)
    }
    let text = (negative ? -value : value).toString(base).padStart(precision, '0')
    if (this.#sharp) {
      if (base === 2) text = `0b${text}`
      if (base === 8 && !text.startsWith('0')) text = `0${text}`
      if (base === 16) text = `0x${text}`
    }
    if (verb === 'X') text = text.toUpperCase()
    if (verb === 'O') text = `0o${text}`
    this.#padWithSpaces((negative ? '-' : this.#plus ? '+' : this.#space ? ' ' : '') + text)
  }

  #unicode(value: bigint): void {
    const digits = value.toString(16).toUpperCase()
    const shown = `U+${digits.padStart(this.#hasPrecision && this.#precision > 4 ? this.#precision : 4, '0')}`
    const rune = value <= 0x10ffffn ? runeText(value) : ''
    this.#padWithSpaces(this.#sharp && rune !== '' && isPrintable(rune) ? `${shown} '${rune}'` : shown)
  }

  #float(value: number, verb: string, original: Value): void {
    switch (verb) {
      case 'v':
        return this.#floatText(value, 'g', -1)
      case 'b':
      case 'g':
      case 'G':
      case 'x':
      case 'X':
        return this.#floatText(value, verb, -1)
      case 'f':
      case 'F':
        return this.#floatText(value, 'f', 6)
      case 'e':
      case 'E':
        return this.#floatText(value, verb, 6)
      default:
        return this.#badVerb(verb, original)
    }
  }

  #floatText(value: number, verb: FloatVerb, defaultPrecision: number): void {
    const precision = this.#hasPrecision ? this.#precision : defaultPrecision
    const text = formatFloat(value, verb, precision)
    const bare = text.replace(/^[+-]/, '')
    let sign = text.startsWith('-') ? '-' : '+'
    if (this.#space && sign === '+' && !this.#plus) sign = ' '
    if (bare === 'NaN' || bare === 'Inf') {
      const showsSign = bare === 'NaN' ? this.#space || this.#plus : this.#plus || sign !== '+' || text.startsWith('+')
      return this.#padWithSpaces((showsSign ? sign : '') + bare)
    }
    const number = this.#sharp && verb !== 'b' ? withPoint(bare, verb, precision) : bare
    if (!this.#plus && sign === '+') return this.#pad(number)
    const missing = this.#hasWidth ? this.#width - number.length - 1 : 0
    if (this.#zero && !this.#minus && missing > 0) return this.#write(sign + '0'.repeat(missing) + number)
    this.#pad(sign + number)
  }

  #bytes(bytes: Uint8Array, verb: string): void {
    switch (verb) {
      case 's':
        return this.#pad(this.#truncate(utf8Text(bytes)))
      case 'x':
      case 'X':
        return this.#hex(bytes, verb)
      case 'q':
        return this.#quoted(utf8Text(bytes))
      case 'v':
      case 'd':
        if (this.#sharpV) {
          this.#list('[]byte{', ', ', '}', bytes, byte => this.#sharpHex(BigInt(byte)))
          return
        }
        return this.#list('[', ' ', ']', bytes, byte => this.#digits(BigInt(byte), 10, verb))
      default:
        return this.#list('[', ' ', ']', bytes, byte => this.#byte(byte, verb))
    }
  }

  #byte(byte: number, verb: string): void {
    if ('boOcqUxX'.includes(verb)) return this.#integer(BigInt(byte), false, verb, null)
    this.#write(`%!${verb}(uint8=`)
    this.#digits(BigInt(byte), 10, 'd')
    this.#write(')')
  }

  #list<T>(open: string, separator: string, close: string, items: Iterable<T>, print: (item: T) => void): void {
    this.#write(open)
    let isFirst = true
    for (const item of items) {
      if (!isFirst) this.#write(separator)
      isFirst = false
      print(item)
    }
    this.#write(close)
  }

  #timestamp(value: Timestamp, verb: string): void {
    if (verb === 'v' && this.#sharpV) return this.#pad(goTimeLiteral(value))
    if (verb === 'v' || verb === 's' || verb === 'x' || verb === 'X' || verb === 'q') {
      return this.#string(goTimeString(value), verb, value)
    }
    const [wall, ext] = timeFields(value)
    this.#write('{')
    this.#integer(wall, false, verb, new Uint64(wall))
    this.#write(' ')
    this.#integer(ext, true, verb, ext)
    this.#write(' ')
    if ('bodxX'.includes(verb)) this.#digits(0n, verb === 'b' ? 2 : verb === 'o' ? 8 : verb === 'd' ? 10 : 16, verb)
    else this.#write(`%!${verb}(*time.Location=<nil>)`)
    this.#write('}')
  }

  #array(items: readonly Value[], verb: string): void {
    const [open, separator, close] = this.#sharpV ? ['[]interface {}{', ', ', '}'] : ['[', ' ', ']']
    this.#list(open!, separator!, close!, items, item => this.#element(item, verb))
  }

  #object(object: ValueObject, verb: string): void {
    const [open, separator, close] = this.#sharpV ? ['map[string]interface {}{', ', ', '}'] : ['map[', ' ', ']']
    this.#list(open!, separator!, close!, sortedKeys(object), key => {
      this.#string(key, verb, key)
      this.#write(':')
      this.#element(object[key]!, verb)
    })
  }

  #element(item: Value, verb: string): void {
    if (item !== null) return this.#value(item, verb)
    // Unlike at the top level, Go prints a nil inside a list without padding or an error for the verb.
    this.#write(this.#sharpV ? 'interface {}(nil)' : '<nil>')
  }
}

function readNumber(format: string, start: number): { readonly value: number | undefined; readonly end: number } {
  let value = 0
  let at = start
  for (; at < format.length; at++) {
    const digit = format.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) break
    // As in the original, a number that is too large is not a number, and the rest of the format is lost.
    if (value > MAX_NUMBER) return { value: undefined, end: format.length }
    value = value * 10 + digit
  }
  return { value: at > start ? value : undefined, end: at }
}

function isDigit(format: string, at: number): boolean {
  const code = format.charCodeAt(at)
  return code >= 48 && code <= 57
}

function runeCount(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function clampRune(value: bigint): bigint {
  return value > 0x10ffffn ? 0xfffdn : value
}

function runeText(value: bigint): string {
  const code = Number(clampRune(value))
  return code >= 0xd800 && code <= 0xdfff ? '\ufffd' : String.fromCodePoint(code)
}

/** Whether the text can be put between backquotes: one line, no backquote, no control characters but tabs. */
function canBackquote(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- matches control characters on purpose
  return text.isWellFormed() && !/[\0-\x08\x0a-\x1f`\x7f\ufeff]/.test(text)
}

/** `%#g`: the number with a decimal point and, for g and x, with trailing zeros up to the precision. */
function withPoint(number: string, verb: FloatVerb, precision: number): string {
  const isHex = verb === 'x' || verb === 'X'
  const tailAt = number.search(isHex ? /[pP]/ : /[eEpP]/)
  const body = tailAt < 0 ? number : number.slice(0, tailAt)
  const tail = tailAt < 0 ? '' : number.slice(tailAt)
  let digits = verb === 'g' || verb === 'G' || verb === 'x' ? (precision === -1 ? 6 : precision) : 0
  let sawNonZero = false
  for (const char of body) {
    if (char === '.') continue
    if (char !== '0') sawNonZero = true
    if (sawNonZero) digits--
  }
  const hasPoint = body.includes('.')
  if (!hasPoint && body === '0') digits--
  return body + (hasPoint ? '' : '.') + '0'.repeat(Math.max(0, digits)) + tail
}

/** The keys sorted by bytes. */
function sortedKeys(object: ValueObject): string[] {
  const keys = Object.keys(object)
  return keys.every(key => key.isWellFormed() && !/[\ud800-\udfff]/.test(key))
    ? keys.sort()
    : keys.sort((a, b) => Buffer.compare(utf8Bytes(a), utf8Bytes(b)))
}

function isSigned(value: Uint64): boolean {
  return value instanceof NarrowInteger && value.type.startsWith('int')
}
