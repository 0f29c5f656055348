import { ProtobufError } from './limits.ts'
import { camelCase } from './parse.ts'

const MAX_NANOS = 999_999_999
const MAX_DURATION_SECONDS = 315_576_000_000n
const MIN_TIMESTAMP_SECONDS = -62_135_596_800n
const MAX_TIMESTAMP_SECONDS = 253_402_300_799n

export interface Moment {
  readonly seconds: number
  readonly nanos: number
}

/**
 * Formats a timestamp such as `2006-01-02T15:04:05.123Z`, with 0, 3, 6 or 9 fractional digits. Throws {@link
 * ProtobufError}.
 */
export function timestampText(seconds: bigint, nanos: number): string {
  if (seconds < MIN_TIMESTAMP_SECONDS || seconds > MAX_TIMESTAMP_SECONDS) {
    throw new ProtobufError(`google.protobuf.Timestamp: seconds out of range ${seconds}`, 'write')
  }
  if (nanos < 0 || nanos > MAX_NANOS)
    throw new ProtobufError(`google.protobuf.Timestamp: nanos out of range ${nanos}`, 'write')
  const total = Number(seconds)
  const days = Math.floor(total / 86_400)
  const rest = total - days * 86_400
  const minutes = Math.floor(rest / 60)
  return `${dateText(days)}T${TWO[Math.floor(minutes / 60)]}:${TWO[minutes % 60]}:${TWO[rest % 60]}${fraction(nanos)}Z`
}

/** Formats a duration such as `1.500s`. Throws {@link ProtobufError}. */
export function durationText(seconds: bigint, nanos: number): string {
  const problem = (reason: string) => new ProtobufError(`google.protobuf.Duration: ${reason}`, 'write')
  if (seconds < -MAX_DURATION_SECONDS || seconds > MAX_DURATION_SECONDS)
    throw problem(`seconds out of range ${seconds}`)
  if (nanos < -MAX_NANOS || nanos > MAX_NANOS) throw problem(`nanos out of range ${nanos}`)
  if ((seconds > 0n && nanos < 0) || (seconds < 0n && nanos > 0))
    throw problem('signs of seconds and nanos do not match')
  const sign = seconds < 0n || nanos < 0 ? '-' : ''
  return `${sign}${seconds < 0n ? -seconds : seconds}${fraction(Math.abs(nanos))}s`
}

const TWO = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'))
let lastDay = 0
let lastDate = '1970-01-01'

/** Cached, because consecutive timestamps are mostly of the same day. */
function dateText(day: number): string {
  if (day !== lastDay) {
    lastDate = new Date(day * 86_400_000).toISOString().slice(0, 10)
    lastDay = day
  }
  return lastDate
}

function fraction(nanos: number): string {
  if (nanos === 0) return ''
  if (nanos % 1_000_000 === 0) return `.${String(nanos / 1_000_000).padStart(3, '0')}`
  if (nanos % 1000 === 0) return `.${String(nanos / 1000).padStart(6, '0')}`
  return `.${String(nanos).padStart(9, '0')}`
}

const NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/

/** Formats paths in camel case, separated by commas. Throws {@link ProtobufError}. */
export function maskText(paths: readonly string[]): string {
  const camel = paths.map(path => {
    const where = 'google.protobuf.FieldMask.paths'
    if (!NAME.test(path)) throw new ProtobufError(`${where} contains invalid path: ${JSON.stringify(path)}`, 'write')
    const text = camelCase(path)
    if (snakeCase(text) !== path)
      throw new ProtobufError(`${where} contains irreversible value ${JSON.stringify(path)}`, 'write')
    return text
  })
  return camel.join(',')
}

/** Parses the paths in a text; the first invalid one is returned as `invalid`. */
export function maskPaths(text: string): { readonly paths: readonly string[] } | { readonly invalid: string } {
  const trimmed = text.trim()
  if (trimmed === '') return { paths: [] }
  const paths: string[] = []
  for (const part of trimmed.split(',')) {
    const path = snakeCase(part)
    if (part.includes('_') || !NAME.test(path)) return { invalid: part }
    paths.push(path)
  }
  return { paths }
}

function snakeCase(text: string): string {
  return text.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}

const OFFSET = /^([+-])(\d\d):(\d\d)$/
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Parses an RFC 3339 timestamp; undefined for other texts, `range` for times outside the range of the type. */
export function parseTimestamp(text: string): Moment | 'range' | undefined {
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 7)
  const day = digits(text, 8, 10)
  const hour = digits(text, 11, 13)
  const minute = digits(text, 14, 16)
  const second = digits(text, 17, 19)
  if (year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || minute < 0 || second < 0) return undefined
  if (text[4] !== '-' || text[7] !== '-' || text[10] !== 'T' || text[13] !== ':' || text[16] !== ':') return undefined
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day > (month === 2 && isLeap ? 29 : DAYS[month - 1]!) || hour > 23 || minute > 59 || second > 59) return undefined
  let end = 19
  let nanos = 0
  if (text[19] === '.' || text[19] === ',') {
    end = 20
    while (isDigit(text.charCodeAt(end))) end++
    if (end === 20 || end > 29) return undefined
    nanos = digits(text, 20, end) * 10 ** (29 - end)
  }
  const offset = text[end] === 'Z' && text.length === end + 1 ? 0 : offsetSeconds(text.slice(end))
  if (offset === undefined) return undefined
  const seconds = daysTo(year, month, day) * 86_400 + (hour * 60 + minute) * 60 + second - offset
  if (seconds < Number(MIN_TIMESTAMP_SECONDS) || seconds > Number(MAX_TIMESTAMP_SECONDS)) return 'range'
  return { seconds, nanos }
}

function offsetSeconds(text: string): number | undefined {
  const [, sign, hours = '', minutes = ''] = OFFSET.exec(text) ?? []
  if (sign === undefined || Number(hours) > 24 || Number(minutes) > 59) return undefined
  return (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60 : 60)
}

/** The days since 1970-01-01. Years start in March here, so that the leap day is the last one. */
function daysTo(year: number, month: number, day: number): number {
  const march = month > 2 ? year : year - 1
  const era = Math.floor(march / 400)
  const yearOfEra = march - era * 400
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** Parses digits as a number; -1 if one of them is not a digit. */
function digits(text: string, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (!isDigit(code)) return -1
    value = value * 10 + (code - 48)
  }
  return value
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

const DURATION = /^([+-]?)(?:(0|[1-9]\d*)?(?:\.(\d{0,9}))?)s$/

/** Parses `1.5s`; undefined for other texts, `range` for durations outside the range of the type. */
export function parseDuration(text: string): Moment | 'range' | undefined {
  const match = DURATION.exec(text)
  if (match === null || (match[2] === undefined && match[3] === undefined)) return undefined
  const whole = match[2] ?? '0'
  if (whole.length > 18) return undefined
  if (BigInt(whole) > MAX_DURATION_SECONDS) return 'range'
  const sign = match[1] === '-' ? -1 : 1
  return { seconds: sign * Number(whole), nanos: sign * Number((match[3] ?? '').padEnd(9, '0')) }
}
