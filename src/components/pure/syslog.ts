import type { Value } from '../../bloblang/index.ts'

/** What a line of syslog says. */
export type SyslogFields = Readonly<Record<string, Value>>

/** A line that is broken, with what was read before that. */
export class SyslogError extends Error {
  readonly fields: SyslogFields

  constructor(reason: string, column: number, fields: SyslogFields) {
    super(`${reason} [col ${column}]`)
    this.name = 'SyslogError'
    this.fields = fields
  }
}

/** Reads a line from left to right; columns count from 0. */
class Line {
  readonly text: string
  readonly fields: Record<string, Value> = {}
  at = 0

  constructor(text: string) {
    this.text = text
  }

  fail(reason: string, column = this.at): never {
    throw new SyslogError(reason, column, this.fields)
  }

  /** What a sticky expression matches here, or null. */
  take(pattern: RegExp): string | null {
    pattern.lastIndex = this.at
    const match = pattern.exec(this.text)
    if (match === null) return null
    this.at += match[0].length
    return match[0]
  }

  /** A blank must stand here. */
  blank(): void {
    if (this.take(/ /y) === null) this.fail('parsing error')
  }

  priority(): void {
    if (this.take(/</y) === null) this.fail('expecting a priority value within angle brackets')
    const start = this.at
    const digits = this.take(/\d+/y) ?? ''
    const priority = Number(digits)
    if (digits === '' || digits.length > 3 || priority > 191 || (digits.length > 1 && digits.startsWith('0'))) {
      const isNumber = /^[1-9]\d\d/.test(digits)
      this.fail('expecting a priority value in the range 1-191 or equal to 0', isNumber ? start + 2 : start)
    }
    if (this.take(/>/y) === null) this.fail('expecting a priority value within angle brackets')
    this.fields['priority'] = BigInt(priority)
    this.fields['facility'] = BigInt(priority >> 3)
    this.fields['severity'] = BigInt(priority & 7)
  }

  /** Visible characters up to the next blank; a dash alone says that there is nothing. */
  word(name: string, maxLength: number, reason: string): void {
    const word = this.take(/[!-~]+/y)
    if (word === null || word.length > maxLength) this.fail(reason)
    if (word !== '-') this.fields[name] = word
  }
}

const RFC3339 = /(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,6})?(Z|[+-]\d\d:\d\d)/y

/** Takes a line of RFC 5424 apart. Throws {@link SyslogError}. */
export function parseRfc5424(text: string): SyslogFields {
  const line: Line = new Line(text)
  line.priority()
  const version = line.take(/[1-9]\d{0,2}/y)
  if (version === null) line.fail('expecting a version value in the range 1-999')
  line.fields['version'] = BigInt(version)
  line.blank()
  if (line.take(/-(?= )/y) === null) line.fields['timestamp'] = rfc3339(line)
  line.blank()
  line.word('hostname', 255, 'expecting an hostname (from 1 to max 255 US-ASCII characters) or a nil value')
  line.blank()
  line.word('appname', 48, 'expecting an app-name (from 1 to max 48 US-ASCII characters) or a nil value')
  line.blank()
  line.word('procid', 128, 'expecting a procid (from 1 to max 128 US-ASCII characters) or a nil value')
  line.blank()
  line.word('msgid', 32, 'expecting a msgid (from 1 to max 32 US-ASCII characters) or a nil value')
  line.blank()
  if (line.take(/-/y) === null) line.fields['structureddata'] = structuredData(line)
  if (line.at < text.length) {
    line.blank()
    const message = text.slice(line.at).replace(/^\ufeff/, '')
    if (message !== '') line.fields['message'] = message
  }
  return line.fields
}

function rfc3339(line: Line): string {
  const stamp = line.take(RFC3339)
  if (stamp === null || Number.isNaN(Date.parse(stamp))) {
    line.fail('expecting a RFC3339MICRO timestamp or a nil value')
  }
  return stamp
    .replace(/(\.\d*?)0+(?=Z|[+-])/, '$1')
    .replace(/\.(?=Z|[+-])/, '')
    .replace(/[+-]00:00$/, 'Z')
}

/** Elements such as `[id@1 name="value"]`, with quotes, brackets and backslashes escaped in values. */
function structuredData(line: Line): Value {
  const elements: Record<string, Value> = {}
  const reason = 'expecting a structured data section containing one or more elements or a nil value'
  if (line.text[line.at] !== '[') line.fail(reason)
  while (line.take(/\[/y) !== null) {
    const id = line.take(/[!#-<>-\\^-~]{1,32}/y)
    if (id === null)
      line.fail(
        'expecting a structured data element id (from 1 to max 32 US-ASCII characters; except `=`, ` `, `]`, and `"`',
      )
    if (Object.hasOwn(elements, id)) line.fail('duplicate structured data element id')
    const values: Record<string, Value> = {}
    while (line.take(/ /y) !== null) {
      const name = line.take(/[!#-<>-\\^-~]{1,32}(?==")/y)
      if (name === null)
        line.fail(
          'expecting a structured data parameter (`key="value"`, both part from 1 to max 32 US-ASCII characters; a key cannot contain `=`, ` `, `]`, and `"`)',
        )
      const value = line.take(/="(?:[^"\\\]]|\\[^])*"/y)
      if (value === null) line.fail('expecting chars `]`, `"`, and `\\` to be escaped within param value')
      values[name] = value.slice(2, -1).replace(/\\(["\\\]])/g, '$1')
    }
    if (line.take(/\]/y) === null) line.fail(reason)
    elements[id] = values
  }
  return elements
}

export interface Rfc3164Options {
  readonly allowsRfc3339: boolean
  readonly year: () => number
  /** The offset of a time such as `2024-02-29 08:00:00` in the zone that holds. */
  readonly offsetOf: (clockTime: string) => string
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Takes a line of RFC 3164 apart. Throws {@link SyslogError}. */
export function parseRfc3164(text: string, options: Rfc3164Options): SyslogFields {
  const line: Line = new Line(text)
  line.priority()
  const stamp = line.take(/(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d/y)
  if (stamp !== null) line.fields['timestamp'] = stampWithYear(stamp, options)
  else if (options.allowsRfc3339) line.fields['timestamp'] = rfc3339(line)
  else line.fail('expecting a Stamp timestamp')
  line.blank()
  line.word('hostname', 255, 'expecting an hostname (from 1 to max 255 US-ASCII characters)')
  line.blank()
  const tag = line.take(/[^\s:[\]]{1,32}(?=\[[^\]]*\]:|:)/y)
  if (tag !== null) {
    line.fields['appname'] = tag
    const content = line.take(/\[[^\]]*\]/y)
    if (content !== null && content.length > 2) line.fields['procid'] = content.slice(1, -1)
    line.take(/: ?/y)
  }
  const message = text.slice(line.at)
  if (message !== '') line.fields['message'] = message
  return line.fields
}

function stampWithYear(stamp: string, { year, offsetOf }: Rfc3164Options): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const date = `${String(year()).padStart(4, '0')}-${two(MONTHS.indexOf(stamp.slice(0, 3)) + 1)}-${two(Number(stamp.slice(4, 6)))}`
  const time = stamp.slice(7)
  return `${date}T${time}${offsetOf(`${date} ${time}`)}`
}
