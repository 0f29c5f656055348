import { MappingError } from '../../errors.ts'
import { Timestamp, type Zone } from '../../value.ts'
import { utf8Bytes, byteString } from '../../text/bytes.ts'
import { quote, quoteRune } from '../../text/quote.ts'
import { NANOS_PER_SECOND, MONTHS, WEEKDAYS, civilFromSeconds, secondsFromCivil, weekdayOf } from './calendar.ts'
import { parseTime } from './parse.ts'
import { COMPOSITIONS } from './strftime.ts'
import { UTC, fixedZone, instantOf, zoneStateAt } from './zone.ts'

/** Parses a timestamp with a strptime format. Absent fields default to 1900-01-01T00:00 UTC. */
export function parseStrptime(source: string, format: string): Timestamp {
  const reader = new StrptimeReader(asBytes(source))
  try {
    reader.readAll(asBytes(format))
    return reader.finish()
  } catch (error) {
    if (!(error instanceof MappingError)) throw error
    throw new MappingError(`failed to parse ${quote(source)} with ${quote(format)}: ${error.message}`)
  }
}

/** One character per byte; ASCII already is. */
function asBytes(text: string): string {
  return ASCII.test(text) ? text : byteString(utf8Bytes(text))
}

const ASCII = /^[\0-\x7f]*$/
const MONTH_NAMES = MONTHS
const SHORT_MONTHS = MONTHS.map(name => name.slice(0, 3))
const SHORT_WEEKDAYS = WEEKDAYS.map(name => name.slice(0, 3))
/** The start of 2000, for which the library looks up the offset of a zone. */
const MILLENNIUM_SECONDS = 946_684_800

/** Source and format are bytes, with one Latin-1 character each. */
class StrptimeReader {
  readonly #source: string
  #at = 0
  #year = 1900
  #month = 1
  #day = 0
  #hour = 0
  #minute = 0
  #second = 0
  #micros = 0
  #century = -1
  #week = 0
  /** Sunday is 1; 0 means unknown. */
  #weekday = 0
  #dayOfYear = 0
  /** The weekday on which numbered weeks start: 4 for ISO weeks, -1 if there are none. */
  #weekStart = -1
  #isAfternoon = false
  #hasIsoYear = false
  #hasZoneName = false
  #hasZoneOffset = false
  #zone: Zone = UTC

  constructor(source: string) {
    this.#source = source
  }

  readAll(format: string): void {
    for (let i = 0; i < format.length; i++) {
      if (format[i] !== '%') {
        this.#expect(format[i]!)
        continue
      }
      i++
      if (i === format.length) throw new MappingError('stray "%"')
      if (format[i] !== ':') {
        this.#convert(format[i]!)
        continue
      }
      const colons = /^:{1,2}/.exec(format.slice(i))![0].length
      i += colons
      if (format[i] !== 'z') throw new MappingError(`expected 'z' after "%${':'.repeat(colons)}"`)
      this.#readOffset(colons)
    }
    if (this.#at < this.#source.length) {
      throw new MappingError(`unparsed string ${quote(Buffer.from(this.#source.slice(this.#at), 'latin1').toString())}`)
    }
  }

  finish(): Timestamp {
    const hour = this.#hour + (this.#isAfternoon ? 12 : 0)
    const year = this.#century >= 0 ? this.#century * 100 + (this.#year % 100) : this.#year
    const at = (month: number, day: number) =>
      secondsFromCivil({ year, month, day, hour, minute: this.#minute, second: this.#second })
    if (this.#day !== 0) return this.#inZone(at(this.#month, this.#day))
    if (this.#dayOfYear > 0) {
      if (this.#hasIsoYear) throw new MappingError('use "%Y" to parse non-ISO year for "%j"')
      return this.#inZone(at(1, this.#dayOfYear))
    }
    if (this.#weekStart < 0) return this.#inZone(at(this.#month, 1))
    if (this.#weekStart === 4 && !this.#hasIsoYear) throw new MappingError('use "%G" to parse ISO year for "%V"')
    if (this.#weekStart !== 4 && this.#hasIsoYear) {
      throw new MappingError('use "%Y" to parse non-ISO year for "%U" or "%W"')
    }
    const week = this.#weekStart > 0 && this.#weekday === 1 ? this.#week + 1 : this.#week
    const start = at(1, -this.#weekStart)
    return this.#inZone(start + (week * 7 - weekdayOf(start) + this.#weekday - 1) * 86_400)
  }

  #inZone(clockSeconds: number): Timestamp {
    const seconds = BigInt(instantOf(this.#zone, clockSeconds))
    return new Timestamp(seconds * NANOS_PER_SECOND + BigInt(this.#micros) * 1000n, this.#zone)
  }

  #convert(letter: string): void {
    switch (letter) {
      case 'Y':
        this.#year = this.#number(4, 0, 9999, letter)
        return
      case 'y': {
        const short = this.#number(2, 0, 99, letter)
        this.#year = short < 69 ? short + 2000 : short + 1900
        return
      }
      case 'C':
        this.#century = this.#number(2, 0, 99, letter)
        return
      case 'g':
        this.#year = this.#number(2, 0, 99, letter) + 2000
        this.#hasIsoYear = true
        return
      case 'G':
        this.#year = this.#number(4, 0, 9999, letter)
        this.#hasIsoYear = true
        return
      case 'm':
        this.#month = this.#number(2, 1, 12, letter)
        return
      case 'B':
        this.#month = this.#anyOf(MONTH_NAMES, letter)
        return
      case 'b':
      case 'h':
        this.#month = this.#anyOf(SHORT_MONTHS, letter)
        return
      case 'A':
        this.#weekday = this.#anyOf(WEEKDAYS, letter)
        return
      case 'a':
        this.#weekday = this.#anyOf(SHORT_WEEKDAYS, letter)
        return
      case 'w':
        this.#weekday = this.#number(1, 0, 6, letter) + 1
        return
      case 'u':
        this.#weekday = (this.#number(1, 1, 7, letter) % 7) + 1
        return
      case 'V':
        return this.#readWeek(letter, 1, 4, 2)
      case 'U':
        return this.#readWeek(letter, 0, 0, 1)
      case 'W':
        return this.#readWeek(letter, 0, 1, 2)
      case 'e':
      case 'd':
        this.#skipBlank(letter === 'e')
        this.#day = this.#number(2, 1, 31, letter)
        return
      case 'j':
        this.#dayOfYear = this.#number(3, 1, 366, letter)
        return
      case 'k':
      case 'H':
        this.#skipBlank(letter === 'k')
        this.#hour = this.#number(2, 0, 23, letter)
        return
      case 'l':
      case 'I':
        this.#skipBlank(letter === 'l')
        this.#hour = this.#number(2, 1, 12, letter) % 12
        return
      case 'P':
      case 'p':
        this.#isAfternoon = this.#anyOf(['AM', 'PM'], letter) === 2
        return
      case 'M':
        this.#minute = this.#number(2, 0, 59, letter)
        return
      case 'S':
        this.#second = this.#number(2, 0, 60, letter)
        return
      case 's':
        return this.#readUnix()
      case 'f': {
        const from = this.#at
        const digits = this.#number(6, 0, 999_999, letter)
        this.#micros = digits * 10 ** (6 - (this.#at - from))
        return
      }
      case 'Z':
        return this.#readZoneName()
      case 'z':
        return this.#readOffset(0)
      case 't':
      case 'n': {
        const blanks = /^[ \t\n\v\f\r]*/.exec(this.#source.slice(this.#at))![0].length
        if (blanks === 0) throw new MappingError(`expected a space for "%${letter}"`)
        this.#at += blanks
        return
      }
      case '%':
        return this.#expect('%')
      default:
        return this.#readComposition(letter)
    }
  }

  #readComposition(letter: string): void {
    if (!Object.hasOwn(COMPOSITIONS, letter)) throw new MappingError(`unexpected format "%${letter}"`)
    for (const part of COMPOSITIONS[letter]!) {
      if (/[A-Za-z]/.test(part)) this.#convert(part)
      else this.#expect(part)
    }
  }

  #readWeek(letter: string, least: number, weekStart: number, usualWeekday: number): void {
    this.#week = this.#number(2, least, 53, letter)
    this.#weekStart = weekStart
    if (this.#weekday === 0) this.#weekday = usualWeekday
  }

  #readUnix(): void {
    const civil = civilFromSeconds(this.#number(10, 0, Number.MAX_SAFE_INTEGER, 's'))
    this.#year = civil.year
    this.#month = civil.month
    this.#day = civil.day
    this.#hour = civil.hour
    this.#minute = civil.minute
    this.#second = civil.second
  }

  #readZoneName(): void {
    const name = /^[A-Z]*/.exec(this.#source.slice(this.#at))![0]
    this.#at += name.length
    const zone = namedZone(name)
    if (this.#hasZoneOffset) {
      const abbreviation = zoneStateAt(zone, MILLENNIUM_SECONDS).abbreviation
      this.#zone = fixedZone(abbreviation, zoneStateAt(this.#zone, MILLENNIUM_SECONDS).offsetSeconds)
    } else {
      this.#zone = zone
    }
    this.#hasZoneName = true
  }

  /** `+0900`, `+09`, `+09:00` and, if colons are requested or present, `+09:00:00`; or `Z`. */
  #readOffset(asked: number): void {
    const fail = (colons: number) => new MappingError(`cannot parse "%${':'.repeat(colons)}z"`)
    const sign = this.#source[this.#at]
    if (sign === 'Z') {
      this.#zone = UTC
      this.#at++
      return
    }
    if (sign !== '+' && sign !== '-') throw fail(asked)
    this.#at++
    const hours = this.#twoDigits(23)
    if (hours === null) throw fail(asked)
    let colons = asked
    const hasColon = this.#source[this.#at] === ':'
    if (!hasColon && asked > 0) throw new MappingError(`expected ':' for "%${':'.repeat(asked)}z"`)
    if (hasColon) {
      this.#at++
      if (asked === 0) colons = 4
    }
    const minutes = this.#twoDigits(59)
    if (minutes === null && colons > 0) throw fail(colons & 3)
    const seconds = minutes !== null && colons > 1 ? this.#offsetSecondsPart(colons, fail) : 0
    const size = (hours * 60 + (minutes ?? 0)) * 60 + seconds
    const name = this.#hasZoneName ? zoneStateAt(this.#zone, MILLENNIUM_SECONDS).abbreviation : ''
    this.#zone = fixedZone(name, sign === '-' ? -size : size)
    this.#hasZoneOffset = true
  }

  #offsetSecondsPart(colons: number, fail: (colons: number) => MappingError): number {
    if (this.#source[this.#at] !== ':') {
      if (colons === 2) throw new MappingError(`expected ':' for "%::z"`)
      return 0
    }
    this.#at++
    const seconds = this.#twoDigits(59)
    if (seconds !== null) return seconds
    if (colons === 2) throw fail(colons)
    this.#at--
    return 0
  }

  #twoDigits(most: number): number | null {
    const digits = /^\d\d/.exec(this.#source.slice(this.#at, this.#at + 2))
    if (digits === null || Number(digits[0]) > most) return null
    this.#at += 2
    return Number(digits[0])
  }

  #skipBlank(allowed: boolean): void {
    if (allowed && this.#source[this.#at] === ' ') this.#at++
  }

  #expect(byte: string): void {
    if (this.#source[this.#at] !== byte) throw new MappingError(`expected ${quoteRune(byte.charCodeAt(0))}`)
    this.#at++
  }

  #number(most: number, least: number, greatest: number, letter: string): number {
    let value = 0
    let at = this.#at
    for (; at < this.#at + most; at++) {
      const digit = this.#source.charCodeAt(at) - 48
      if (!(digit >= 0 && digit <= 9)) break
      value = value * 10 + digit
    }
    if (at === this.#at || value < least || value > greatest) throw new MappingError(`cannot parse "%${letter}"`)
    this.#at = at
    return value
  }

  /** The index of the first matching name, from 1. */
  #anyOf(names: readonly string[], letter: string): number {
    const rest = this.#source.slice(this.#at, this.#at + 16).toLowerCase()
    const found = names.findIndex(name => rest.startsWith(name.toLowerCase()))
    if (found < 0) throw new MappingError(`cannot parse "%${letter}"`)
    this.#at += names[found]!.length
    return found + 1
  }
}

function namedZone(name: string): Zone {
  try {
    return parseTime('MST', name).zone
  } catch (error) {
    if (!(error instanceof MappingError)) throw error
    throw new MappingError(`cannot parse ${quote(name)} with "%Z"`)
  }
}
