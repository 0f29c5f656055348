import { MappingError } from '../../errors.ts'
import { Timestamp } from '../../value.ts'
import { utf8Bytes } from '../../text/bytes.ts'
import {
  NANOS_PER_SECOND,
  MONTHS,
  WEEKDAYS,
  daysFromDate,
  daysInMonth,
  isLeapYear,
  secondsFromCivil,
} from './calendar.ts'
import { type LayoutElement, type LayoutStep, parseLayout } from './layout.ts'
import { LOCAL, UTC, fixedZone, localOffsetNamed, zoneStateAt } from './zone.ts'

/** Parses a timestamp with a Go layout, with the error texts of `time.Parse`. */
export function parseTime(layout: string, value: string): Timestamp {
  if (layout === RFC3339 || layout === RFC3339_NANO) {
    const usual = parseUsual(value)
    if (usual !== null) return usual
  }
  const steps = parseLayout(layout)
  const parser = new TimeParser(layout, value, steps)
  for (const [at, step] of steps.entries()) parser.take(step, at)
  return parser.finish()
}

const RFC3339 = '2006-01-02T15:04:05Z07:00'
const RFC3339_NANO = '2006-01-02T15:04:05.999999999Z07:00'

/** Parses the most common form of RFC 3339; null for the general case, which also reports errors. */
function parseUsual(text: string): Timestamp | null {
  const end = text.length - (text.endsWith('Z') ? 1 : 6)
  if (end < 19 || text.charCodeAt(4) !== 0x2d || text.charCodeAt(7) !== 0x2d || text.charCodeAt(10) !== 0x54)
    return null
  if (text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a) return null
  const century = digitsAt(text, 0, 2)
  const yearOfCentury = digitsAt(text, 2, 2)
  const month = digitsAt(text, 5, 2)
  const day = digitsAt(text, 8, 2)
  const hour = digitsAt(text, 11, 2)
  const minute = digitsAt(text, 14, 2)
  const second = digitsAt(text, 17, 2)
  if (century < 0 || yearOfCentury < 0 || month < 1 || month > 12 || day < 1) return null
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return null
  const year = century * 100 + yearOfCentury
  if (day > 28 && day > daysInMonth(year, month)) return null
  let nanos = 0
  if (end > 19) {
    const digits = end - 20
    if (text.charCodeAt(19) !== 0x2e || digits < 1 || digits > 9) return null
    const fraction = digitsAt(text, 20, digits)
    if (fraction < 0) return null
    nanos = fraction * TEN_TO[9 - digits]!
  }
  const clockSeconds = daysFromDate(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
  if (end === text.length - 1) return new Timestamp(nanosOf(clockSeconds, nanos), UTC)
  const sign = text.charCodeAt(end)
  const hours = digitsAt(text, end + 1, 2)
  const minutes = digitsAt(text, end + 4, 2)
  if ((sign !== 0x2b && sign !== 0x2d) || text.charCodeAt(end + 3) !== 0x3a) return null
  if (hours < 0 || hours > 24 || minutes < 0 || minutes > 60) return null
  const size = (hours * 60 + minutes) * 60
  return withOffset(clockSeconds, nanos, sign === 0x2d ? -size : size, '')
}

const TEN_TO = Array.from({ length: 10 }, (_, power) => 10 ** power)

/** The value of decimal digits; -1 if another character is among them. */
function digitsAt(text: string, from: number, count: number): number {
  let value = 0
  for (let at = from; at < from + count; at++) {
    const digit = text.charCodeAt(at) - 48
    if (!(digit >= 0 && digit <= 9)) return -1
    value = value * 10 + digit
  }
  return value
}

function nanosOf(unixSeconds: number, nanos: number): bigint {
  const whole = BigInt(unixSeconds) * NANOS_PER_SECOND
  return nanos === 0 ? whole : whole + BigInt(nanos)
}

/** Uses the local zone if it has this offset at that time, so that both print alike. */
function withOffset(clockSeconds: number, nanos: number, offsetSeconds: number, zoneName: string): Timestamp {
  const seconds = clockSeconds - offsetSeconds
  const local = zoneStateAt(LOCAL, seconds)
  const isLocal = local.offsetSeconds === offsetSeconds && (zoneName === '' || local.abbreviation === zoneName)
  return new Timestamp(nanosOf(seconds, nanos), isLocal ? LOCAL : fixedZone(zoneName, offsetSeconds))
}

/** Quotes a text as Go's package time does: bytes other than printable ASCII are escaped. */
export function quoteTime(text: string): string {
  let quoted = ''
  for (const byte of utf8Bytes(text)) {
    if (byte >= 0x80 || byte < 0x20) quoted += `\\x${byte.toString(16).padStart(2, '0')}`
    else if (byte === 0x22 || byte === 0x5c) quoted += `\\${String.fromCharCode(byte)}`
    else quoted += String.fromCharCode(byte)
  }
  return `"${quoted}"`
}

/** The value does not match the element; the caller words the error. */
class Mismatch {}
/** A well-formed number that is too large. */
class OutOfRange {
  readonly what: string
  constructor(what: string) {
    this.what = what
  }
}

class TimeParser {
  readonly #layout: string
  readonly #whole: string
  readonly #steps: readonly LayoutStep[]
  #rest: string
  #year = 0
  #month = -1
  #day = -1
  #dayOfYear = -1
  #hour = 0
  #minute = 0
  #second = 0
  #nanos = 0
  #half: 'am' | 'pm' | null = null
  #isUtc = false
  #offsetSeconds: number | null = null
  #zoneName = ''

  constructor(layout: string, value: string, steps: readonly LayoutStep[]) {
    this.#layout = layout
    this.#whole = value
    this.#steps = steps
    this.#rest = value
  }

  take({ literal, element }: LayoutStep, at: number): void {
    if (!this.#skip(literal)) throw this.#cannotParse(this.#rest, literal)
    if (element === null) {
      if (this.#rest !== '') throw this.#refuse(`: extra text: ${quoteTime(this.#rest)}`)
      return
    }
    const before = this.#rest
    try {
      this.#takeElement(element, at)
    } catch (error) {
      if (error instanceof OutOfRange) throw this.#refuse(`: ${error.what} out of range`)
      if (error instanceof Mismatch) throw this.#cannotParse(before, element.text)
      throw error
    }
  }

  finish(): Timestamp {
    if (this.#half === 'pm' && this.#hour < 12) this.#hour += 12
    else if (this.#half === 'am' && this.#hour === 12) this.#hour = 0
    if (this.#dayOfYear >= 0) this.#applyDayOfYear()
    const month = this.#month < 0 ? 1 : this.#month
    const day = this.#day < 0 ? 1 : this.#day
    if (day < 1 || day > daysInMonth(this.#year, month)) throw this.#refuse(': day out of range')
    const civil = { year: this.#year, month, day, hour: this.#hour, minute: this.#minute, second: this.#second }
    return this.#inZone(secondsFromCivil(civil))
  }

  #inZone(clockSeconds: number): Timestamp {
    const at = (seconds: number) => nanosOf(seconds, this.#nanos)
    if (this.#isUtc) return new Timestamp(at(clockSeconds), UTC)
    if (this.#offsetSeconds !== null) {
      return withOffset(clockSeconds, this.#nanos, this.#offsetSeconds, this.#zoneName)
    }
    if (this.#zoneName === '') return new Timestamp(at(clockSeconds), UTC)
    const offset = localOffsetNamed(this.#zoneName, clockSeconds)
    if (offset !== undefined) return new Timestamp(at(clockSeconds - offset), LOCAL)
    // An unknown abbreviation has offset zero, except for `GMT+3` and the like.
    const hours = /^GMT[+-]?\d+$/.test(this.#zoneName) ? Number(this.#zoneName.slice(3)) : 0
    return new Timestamp(at(clockSeconds), fixedZone(this.#zoneName, hours * 3600))
  }

  #applyDayOfYear(): void {
    const length = isLeapYear(this.#year) ? 366 : 365
    if (this.#dayOfYear < 1 || this.#dayOfYear > length) throw this.#refuse(': day-of-year out of range')
    let month = 1
    while (daysFromDate(this.#year, month + 1, 1) - daysFromDate(this.#year, 1, 1) < this.#dayOfYear) month++
    const day = this.#dayOfYear - (daysFromDate(this.#year, month, 1) - daysFromDate(this.#year, 1, 1))
    if (this.#month >= 0 && this.#month !== month) throw this.#refuse(': day-of-year does not match month')
    if (this.#day >= 0 && this.#day !== day) throw this.#refuse(': day-of-year does not match day')
    this.#month = month
    this.#day = day
  }

  #takeElement(element: LayoutElement, at: number): void {
    switch (element.kind) {
      case '06':
        this.#year = integerOf(this.#cut(2))
        this.#year += this.#year >= 69 ? 1900 : 2000
        return
      case '2006':
        if (!/^\d/.test(this.#rest)) throw new Mismatch()
        this.#year = integerOf(this.#cut(4))
        return
      case 'January':
        this.#month = this.#name(MONTHS) + 1
        return
      case 'Jan':
        this.#month = this.#name(MONTHS, 3) + 1
        return
      case 'Monday':
        this.#name(WEEKDAYS)
        return
      case 'Mon':
        this.#name(WEEKDAYS, 3)
        return
      case '1':
      case '01':
        this.#month = this.#number(element.kind === '01')
        if (this.#month < 1 || this.#month > 12) throw new OutOfRange('month')
        return
      case '_2':
        if (this.#rest.startsWith(' ')) this.#rest = this.#rest.slice(1)
        this.#day = this.#number(false)
        return
      case '2':
      case '02':
        this.#day = this.#number(element.kind === '02')
        return
      case '__2':
        this.#rest = this.#rest.replace(/^ {1,2}/, '')
        this.#dayOfYear = Number(this.#match(/^\d{1,3}/))
        return
      case '002':
        this.#dayOfYear = Number(this.#match(/^\d{3}/))
        return
      case '15':
        this.#hour = this.#number(false)
        if (this.#hour > 23) throw new OutOfRange('hour')
        return
      case '3':
      case '03':
        this.#hour = this.#number(element.kind === '03')
        if (this.#hour > 12) throw new OutOfRange('hour')
        return
      case '4':
      case '04':
        this.#minute = this.#number(element.kind === '04')
        if (this.#minute > 59) throw new OutOfRange('minute')
        return
      case '5':
      case '05':
        return this.#takeSecond(element.kind === '05', at)
      case 'PM':
      case 'pm':
        return this.#takeHalf(element.kind)
      case 'Z':
        if (this.#rest.startsWith('Z')) {
          this.#rest = this.#rest.slice(1)
          this.#isUtc = true
          return
        }
        return this.#takeOffset(element)
      case '-':
        return this.#takeOffset(element)
      case 'MST':
        return this.#takeZoneName()
      case '.0':
        return this.#takeFraction(element.text.length)
      case '.9': {
        // Accepts any number of digits, or none.
        const fraction = /^[.,]\d+/.exec(this.#rest)
        if (fraction !== null) this.#takeFraction(fraction[0].length)
        return
      }
    }
  }

  /** A fraction after the seconds is parsed even if the layout has none. */
  #takeSecond(fixed: boolean, at: number): void {
    this.#second = this.#number(fixed)
    if (this.#second > 59) throw new OutOfRange('second')
    const fraction = /^[.,]\d+/.exec(this.#rest)
    const next = this.#steps[at + 1]?.element?.kind
    if (fraction !== null && next !== '.0' && next !== '.9') this.#takeFraction(fraction[0].length)
  }

  /** `length` includes the separator. */
  #takeFraction(length: number): void {
    const text = this.#cut(length)
    if (!/^[.,]/.test(text)) throw new Mismatch()
    const digits = text.slice(1, 10)
    const fraction = integerOf(digits)
    if (fraction < 0) throw new OutOfRange('fractional second')
    this.#nanos = fraction * 10 ** (9 - digits.length)
  }

  #takeHalf(kind: 'PM' | 'pm'): void {
    const text = this.#cut(2)
    const [am, pm] = kind === 'PM' ? ['AM', 'PM'] : ['am', 'pm']
    if (text !== am && text !== pm) throw new Mismatch()
    this.#half = text === pm ? 'pm' : 'am'
  }

  #takeOffset(element: LayoutElement): void {
    const text = this.#cut(element.text.length)
    const shape = element.text.slice(1)
    const digits = text.slice(1)
    for (const [at, character] of Array.from(shape).entries())
      if (character === ':' && digits[at] !== ':') throw new Mismatch()
    const parts = digits.replaceAll(':', '').match(/.{1,2}/gs) ?? []
    const read = [0, 1, 2].map(at => (parts[at] === undefined ? 0 : twoDigits(parts[at])))
    const bad = read.includes(undefined)
    // Parts after one that is not a number are not checked; of several that are too large the last one is reported.
    const [hours, minutes, seconds] = bad ? read.slice(0, read.indexOf(undefined)) : read
    if ((seconds ?? 0) > 60) throw new OutOfRange('time zone offset second')
    if ((minutes ?? 0) > 60) throw new OutOfRange('time zone offset minute')
    if ((hours ?? 0) > 24) throw new OutOfRange('time zone offset hour')
    if (bad || !/^[+-]/.test(text)) throw new Mismatch()
    const size = (hours! * 60 + minutes!) * 60 + seconds!
    this.#offsetSeconds = text[0] === '-' ? -size : size
    // The original uses one second west to mark that no offset was parsed.
    if (this.#offsetSeconds === -1) this.#offsetSeconds = null
  }

  #takeZoneName(): void {
    if (this.#rest.startsWith('UTC')) {
      this.#rest = this.#rest.slice(3)
      this.#isUtc = true
      return
    }
    const length = zoneNameLength(this.#rest)
    if (length === 0) throw new Mismatch()
    this.#zoneName = this.#cut(length)
  }

  #name(names: readonly string[], length?: number): number {
    const lower = this.#rest.toLowerCase()
    const found = names.findIndex(name => lower.startsWith(name.slice(0, length).toLowerCase()))
    if (found < 0) throw new Mismatch()
    this.#rest = this.#rest.slice(length ?? names[found]!.length)
    return found
  }

  #number(fixed: boolean): number {
    return Number(this.#match(fixed ? /^\d\d/ : /^\d{1,2}/))
  }

  #match(pattern: RegExp): string {
    const match = pattern.exec(this.#rest)
    if (match === null) throw new Mismatch()
    this.#rest = this.#rest.slice(match[0].length)
    return match[0]
  }

  #cut(length: number): string {
    if (this.#rest.length < length) throw new Mismatch()
    const text = this.#rest.slice(0, length)
    this.#rest = this.#rest.slice(length)
    return text
  }

  /** Runs of spaces match runs of any length. */
  #skip(literal: string): boolean {
    let prefix = literal
    while (prefix !== '') {
      if (prefix.startsWith(' ')) {
        if (this.#rest !== '' && !this.#rest.startsWith(' ')) return false
        prefix = prefix.replace(/^ +/, '')
        this.#rest = this.#rest.replace(/^ +/, '')
      } else {
        if (this.#rest[0] !== prefix[0]) return false
        prefix = prefix.slice(1)
        this.#rest = this.#rest.slice(1)
      }
    }
    return true
  }

  #cannotParse(found: string, expected: string): MappingError {
    const where = `parsing time ${quoteTime(this.#whole)} as ${quoteTime(this.#layout)}`
    return new MappingError(`${where}: cannot parse ${quoteTime(found)} as ${quoteTime(expected)}`)
  }

  #refuse(reason: string): MappingError {
    return new MappingError(`parsing time ${quoteTime(this.#whole)}${reason}`)
  }
}

/** The `atoi` of Go's package time: an optional sign, then digits or nothing. */
function integerOf(text: string): number {
  if (!/^[+-]?\d*$/.test(text)) throw new Mismatch()
  return Number(text) || 0
}

function twoDigits(text: string): number | undefined {
  return /^\d\d$/.test(text) ? Number(text) : undefined
}

/** The number of leading characters that look like a zone abbreviation; 0 if none do. */
function zoneNameLength(text: string): number {
  const special = /^(?:ChST|MeST)/.exec(text)
  if (special !== null) return 4
  const offset = /^(GMT)?([+-]\d+)?/.exec(text)!
  const fits = offset[2] !== undefined && Math.abs(Number(offset[2])) <= 23
  if (offset[1] !== undefined) return text.length === 3 || !fits ? 3 : offset[0].length
  if (/^[+-]/.test(text)) return fits && text.length >= 3 ? offset[0].length : 0
  const upper = /^[A-Z]{0,6}/.exec(text)![0]
  if (upper.length === 3) return 3
  if (upper.length === 4) return upper.endsWith('T') || upper === 'WITA' ? 4 : 0
  return upper.length === 5 && upper.endsWith('T') ? 5 : 0
}
