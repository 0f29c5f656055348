import type { Value } from '../../bloblang/index.ts'

/** The fields of a syslog line. */
export type SyslogFields = Readonly<Record<string, Value>>

/** A malformed line, with the fields that are usable nevertheless, if any. */
export class SyslogError extends Error {
  readonly fields: SyslogFields | undefined

  constructor(message: string, fields?: SyslogFields) {
    super(message)
    this.name = 'SyslogError'
    this.fields = fields
  }
}

/** A cursor over a line in which each character is one byte; columns count from 0. */
class Line {
  readonly text: string
  readonly fields: Record<string, Value> = {}
  at = 0

  constructor(text: string) {
    this.text = text
  }

  fail(reason: string, column = this.at): never {
    throw new SyslogError(`${reason} [col ${column}]`)
  }

  /** Throws a {@link SyslogError} with the fields read so far, which remain valid. */
  failPartly(): never {
    throw new SyslogError(`parsing error [col ${this.at}]`, this.fields)
  }

  /** Consumes what a sticky expression matches at the cursor; null if it does not match. */
  take(pattern: RegExp): string | null {
    pattern.lastIndex = this.at
    const match = pattern.exec(this.text)
    if (match === null) return null
    this.at += match[0].length
    return match[0]
  }

  /** Consumes one character for each class; returns the first class that did not match, if any. */
  takeEach(classes: readonly RegExp[]): RegExp | undefined {
    return classes.find(each => this.take(each) === null)
  }

  priority(): void {
    if (this.take(/</y) === null) this.fail('expecting a priority value within angle brackets')
    const digits = this.take(/0|1(?:9[01]?|[0-8]\d?)?|[2-9]\d?/y)
    if (digits === null || this.take(/>/y) === null) {
      this.fail('expecting a priority value in the range 1-191 or equal to 0')
    }
    const priority = Number(digits)
    this.fields['priority'] = BigInt(priority)
    this.fields['facility'] = BigInt(priority >> 3)
    this.fields['severity'] = BigInt(priority & 7)
  }

  /** Consumes visible characters and the space after them; a lone dash means no value. */
  word(name: string, maxLength: number, reason: string): void {
    const word = this.take(/[!-~]+/y) ?? ''
    if (word.length > maxLength) this.fail(reason, this.at - word.length + maxLength)
    if (word === '' || this.take(/ /y) === null) this.fail(reason)
    if (word !== '-') this.fields[name] = word
  }
}

/** Decodes as UTF-8 the bytes that the characters of `bytes` stand for. */
const utf8 = (bytes: string) => (/[\x80-\xff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString() : bytes)

const DIGIT = /\d/y
const MINUTES = [/:/y, /[0-5]/y, DIGIT]

/** Consumes an hour, whose second digit depends on the first. */
function takesHour(line: Line): boolean {
  return line.take(/[01]/y) === null ? line.takeEach([/2/y, /[0-3]/y]) === undefined : line.take(DIGIT) !== null
}

function takesDate(line: Line): boolean {
  if (line.takeEach([DIGIT, DIGIT, DIGIT, DIGIT, /-/y]) !== undefined) return false
  const month = line.take(/0/y) === null ? [/1/y, /[0-2]/y] : [/[1-9]/y]
  if (line.takeEach([...month, /-/y]) !== undefined) return false
  if (line.take(/[12]/y) !== null) return line.take(DIGIT) !== null
  return line.takeEach(line.take(/0/y) === null ? [/3/y, /[01]/y] : [/[1-9]/y]) === undefined
}

const takesTime = (line: Line) => takesHour(line) && line.takeEach([...MINUTES, ...MINUTES]) === undefined

/** Consumes an optional fraction of up to six digits, and a time zone. */
function takesRest(line: Line): boolean {
  if (line.take(/\./y) !== null && line.take(/\d{1,6}/y) === null) return false
  if (line.take(/Z/y) !== null) return true
  return line.take(/[+-]/y) !== null && takesHour(line) && line.takeEach(MINUTES) === undefined
}

/** Formats the timestamp that begins at `start`. */
function timestamp(line: Line, start: number): string {
  const stamp = line.text.slice(start, line.at)
  const [year, month, day] = stamp.split(/[-T]/).map(Number)
  if (day! > daysOf(year!, month!)) line.fail(`parsing time "${stamp}": day out of range`)
  return stamp
    .replace(/(\.\d*?)0+(?=Z|[+-])/, '$1')
    .replace(/\.(?=Z|[+-])/, '')
    .replace(/[+-]00:00$/, 'Z')
}

const daysOf = (year: number, month: number) => new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()

const NO_MESSAGE = 'expecting a free-form optional message in UTF-8 (starting with or without BOM)'
const NO_VERSION = 'expecting a version value in the range 1-999'

/** Parses an RFC 5424 line in which each character is one byte. Throws {@link SyslogError}. */
export function parseRfc5424(bytes: string): SyslogFields {
  const line: Line = new Line(bytes)
  line.priority()
  const version = line.take(/[1-9]\d{0,2}/y)
  if (version === null) line.fail(NO_VERSION)
  if (line.take(/ /y) === null) line.fail(version.length === 1 ? 'parsing error' : NO_VERSION)
  line.fields['version'] = BigInt(version)
  if (line.take(/-/y) === null) {
    const start = line.at
    const isWhole = takesDate(line) && line.take(/T/y) !== null && takesTime(line) && takesRest(line)
    if (!isWhole) line.fail('expecting a RFC3339MICRO timestamp or a nil value')
    line.fields['timestamp'] = timestamp(line, start)
  }
  if (line.take(/ /y) === null) line.fail('parsing error')
  line.word('hostname', 255, 'expecting an hostname (from 1 to max 255 US-ASCII characters) or a nil value')
  line.word('appname', 48, 'expecting an app-name (from 1 to max 48 US-ASCII characters) or a nil value')
  line.word('procid', 128, 'expecting a procid (from 1 to max 128 US-ASCII characters) or a nil value')
  line.word('msgid', 32, 'expecting a msgid (from 1 to max 32 US-ASCII characters) or a nil value')
  if (line.take(/-/y) === null) line.fields['structureddata'] = structuredData(line)
  if (line.at < bytes.length) {
    if (line.take(/ /y) === null) {
      line.fail(Object.hasOwn(line.fields, 'structureddata') ? NO_STRUCTURED_DATA : 'parsing error')
    }
    const message = bytes.slice(line.at)
    takeText(line, /[\x00-\x7f]+/y)
    if (line.at < bytes.length) line.fail(NO_MESSAGE, validUntil(line))
    if (message !== '') line.fields['message'] = utf8(message)
  }
  return line.fields
}

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
const MULTIBYTE =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}/y

/** Consumes UTF-8 text whose single-byte characters belong to a class. */
function takeText(line: Line, ascii: RegExp): string {
  const start = line.at
  while (line.take(ascii) !== null || line.take(MULTIBYTE) !== null);
  return line.text.slice(start, line.at)
}

/** The position where the bytes of a truncated or invalid character stop being valid. */
function validUntil(line: Line): number {
  line.take(/[\xf1-\xf3][\x80-\xbf]{0,2}|\xf0(?:[\x90-\xbf][\x80-\xbf]?)?|\xf4(?:[\x80-\x8f][\x80-\xbf]?)?/y)
  line.take(/[\xe1-\xec\xee\xef][\x80-\xbf]?|\xe0[\xa0-\xbf]?|\xed[\x80-\x9f]?|[\xc2-\xdf]/y)
  return line.at
}

const NO_STRUCTURED_DATA =
  'expecting a structured data section containing one or more elements (`[id( key="value")*]+`) or a nil value'
const NO_ID =
  'expecting a structured data element id (from 1 to max 32 US-ASCII characters; except `=`, ` `, `]`, and `"`'
const NO_PARAMETER =
  'expecting a structured data parameter (`key="value"`, both part from 1 to max 32 US-ASCII characters; key cannot contain `=`, ` `, `]`, and `"`, while value cannot contain `]`, backslash, and `"` unless escaped)'

/** Parses elements such as `[id@1 name="value"]`, with quotes, brackets and backslashes escaped in values. */
function structuredData(line: Line): Value {
  const elements: Record<string, Value> = {}
  if (line.text[line.at] !== '[') line.fail(NO_STRUCTURED_DATA)
  while (line.take(/\[/y) !== null) {
    const id = line.take(NAME) ?? line.fail(NO_ID)
    if (Object.hasOwn(elements, id)) line.fail('duplicate structured data element id')
    if (!/[ \]]/.test(line.text[line.at] ?? '')) line.fail(NO_ID)
    const values: Record<string, Value> = {}
    while (line.take(/ /y) !== null) {
      const name = line.take(NAME) ?? line.fail(NO_PARAMETER)
      if (line.takeEach([/=/y, /"/y]) !== undefined) line.fail(NO_PARAMETER)
      const value = takeText(line, /(?:[\x00-!#-[^-\x7f]|\\["\\\]])+/y)
      if (line.take(/"/y) === null) {
        line.take(/\\/y)
        line.fail('expecting chars `]`, `"`, and `\\` to be escaped within param value', validUntil(line))
      }
      values[name] = utf8(value.replace(/\\(["\\\]])/g, '$1'))
      if (!/[ \]]/.test(line.text[line.at] ?? '')) line.fail(NO_PARAMETER)
    }
    line.take(/\]/y)
    elements[id] = values
  }
  return elements
}

const NAME = /[!#-<>-\\^-~]{1,32}/y

export interface Rfc3164Options {
  readonly allowsRfc3339: boolean
  readonly year: () => number
  /** Converts a time such as `2024-02-29T08:00:00Z` to the time zone of timestamps without one. */
  readonly zoned: (time: string) => string
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * Parses an RFC 3164 line in which each character is one byte. Throws {@link SyslogError}, with the fields read so far
 * if the timestamp, or what follows it, is not one.
 */
export function parseRfc3164(bytes: string, options: Rfc3164Options): SyslogFields {
  const line: Line = new Line(bytes)
  line.priority()
  if (options.allowsRfc3339 && /\d/.test(bytes[line.at] ?? '')) {
    const start = line.at
    if (!takesDate(line) || line.take(/T/y) === null || !takesTime(line)) line.failPartly()
    if (!takesRest(line)) line.fail('expecting a Stamp or a RFC3339 timestamp')
    if (bytes[line.at] !== ' ') line.failPartly()
    line.fields['timestamp'] = timestamp(line, start)
  } else {
    const stamp = takeStamp(line)
    if (bytes[line.at] !== ' ') line.failPartly()
    line.fields['timestamp'] = stampWithYear(line, stamp, options)
  }
  line.take(/ /y)
  line.word('hostname', 255, 'expecting an hostname (from 1 to max 255 US-ASCII characters)')
  if (line.at === bytes.length) line.fail('expecting an alphanumeric tag (max 32 characters)')
  line.fields['message'] = utf8(bytes.slice(taggedUntil(line)))
  return line.fields
}

/** Reads the tag and the process id before the message; returns where the message begins. */
function taggedUntil(line: Line): number {
  const [whole, tag, content] = /^([!-9;-Z\\-~]{1,32})(?=[[:])(?:\[([^\]]*)\])?/.exec(line.text.slice(line.at)) ?? []
  if (whole === undefined) return line.at
  if (tag !== '-') line.fields['appname'] = tag!
  if (content !== undefined && content !== '' && content !== '-') line.fields['procid'] = utf8(content)
  const end = line.at + whole.length
  return line.text.startsWith(': ', end) && end + 2 < line.text.length ? end + 2 : line.at
}

const STAMP = [/[1-9]/y, / /y]

/** Consumes a timestamp such as `Jan  2 15:04:05`. */
function takeStamp(line: Line): string {
  const start = line.at
  const reason = 'expecting a Stamp timestamp'
  if (line.take(/(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) /y) === null) {
    line.take(/J(?:an?|un?|ul)?|F(?:eb?)?|M(?:ar?|ay)?|A(?:pr?|ug?)?|S(?:ep?)?|O(?:ct?)?|N(?:ov?)?|D(?:ec?)?/y)
    line.fail(reason)
  }
  const day = line.take(/ /y) !== null ? STAMP : line.take(/[12]/y) !== null ? [DIGIT, / /y] : [/3/y, /[01]/y, / /y]
  if (line.takeEach(day) !== undefined || !takesTime(line)) line.fail(reason)
  return line.text.slice(start, line.at)
}

/** As in the original, the timestamp is taken as UTC, and the time zone only affects how it is displayed. */
function stampWithYear(line: Line, stamp: string, { year, zoned }: Rfc3164Options): string {
  const month = MONTHS.indexOf(stamp.slice(0, 3))
  const day = Number(stamp.slice(4, 6))
  // The year 0 is a leap year; in other years a 29th of February becomes the first of March.
  if (day > daysOf(0, month + 1)) line.fail(`parsing time "${stamp}": day out of range`)
  const date = new Date(0)
  date.setUTCFullYear(year(), month, day)
  return zoned(`${date.toISOString().slice(0, 10)}T${stamp.slice(7)}Z`)
}
