/** Resolves YAML scalars by the rules of Go's yaml.v3: YAML 1.2 with remnants of 1.1. */
import { NANOS_PER_SECOND } from '../../data/time/calendar.ts'
import { MAX_UINT64, MIN_INT64 } from '../../data/parse-number.ts'
import { loadZone } from '../../data/time/zone.ts'
import { MappingError } from '../../errors.ts'
import { Float, NarrowInteger, Timestamp, Uint64, type Value } from '../../value.ts'
import { utf8Text } from '../bytes.ts'
import { decodeBase64 } from '../encodings.ts'
import { yamlFault } from './cursor.ts'

const WORDS = new Map<string, Value>([
  ['', null],
  ['~', null],
  ['null', null],
  ['Null', null],
  ['NULL', null],
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
])
const SPECIAL_FLOATS = new Map<string, number>([
  ...['.nan', '.NaN', '.NAN'].map(text => [text, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF'].flatMap(text => [
    [text, Number.POSITIVE_INFINITY] as const,
    [`+${text}`, Number.POSITIVE_INFINITY] as const,
    [`-${text}`, Number.NEGATIVE_INFINITY] as const,
  ]),
])
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const LOOSE_UNDERSCORE = /(?<![0-9])_|_(?![0-9])/
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]([0-7]+)|0[bB]([01]+)|0([0-7]+)|(0|[1-9][0-9]*))$/
/** The original strips the prefix and parses the rest, which may start with a sign. */
const SIGN_BEHIND_PREFIX = /^0([bo])([-+])([0-7]+)$/
const TIME =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:([Tt]| +)(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})?)?$/
const MAX_INT64 = 0x7fffffffffffffffn

const WORD_HINT = 1
const NUMBER_HINT = 2
/** The possible types of a text by its first character. */
const HINTS = new Uint8Array(128)
for (const character of 'nNtTfF~') HINTS[character.charCodeAt(0)] = WORD_HINT
for (const character of '0123456789+-.') HINTS[character.charCodeAt(0)] = NUMBER_HINT

/** The value of a plain scalar without a tag. */
export function resolvePlain(text: string): Value {
  if (text === '') return null
  const first = text.charCodeAt(0)
  const hint = first < 128 ? HINTS[first] : 0
  if (hint === 0) return text
  if (hint === NUMBER_HINT) return resolveNumber(text, true)
  const word = WORDS.get(text)
  return word === undefined ? text : word
}

/** The value of a scalar with a tag in short form (`!!int`). Throws if the tag does not fit. */
export function resolveTagged(tag: string, text: string): Value {
  switch (tag) {
    case '!!binary':
      return decodeBinary(text)
    case '!!bool':
    case '!!int':
    case '!!float':
    case '!!null':
    case '!!timestamp': {
      const value = resolveHinted(text, tag === '!!timestamp')
      const found = tagOf(value)
      if (found === tag) return value
      if (tag === '!!float' && value instanceof NarrowInteger) return new Float(Number(value.value))
      throw yamlFault(`cannot decode ${found} \`${text}\` as a ${tag}`)
    }
    default:
      // A string, or a tag that the original does not know either.
      return text
  }
}

function resolveHinted(text: string, allowsTime: boolean): Value {
  const isNumber = text !== '' && HINTS[text.charCodeAt(0)] === NUMBER_HINT
  return isNumber ? resolveNumber(text, allowsTime) : resolvePlain(text)
}

function tagOf(value: Value): string {
  if (value === null) return '!!null'
  if (typeof value === 'boolean') return '!!bool'
  if (value instanceof Uint64) return '!!int'
  if (value instanceof Float) return '!!float'
  return value instanceof Timestamp ? '!!timestamp' : '!!str'
}

function decodeBinary(text: string): string {
  try {
    return utf8Text(decodeBase64(text, 'std'))
  } catch (error) {
    if (error instanceof MappingError) throw yamlFault('!!binary value contains invalid base64 data')
    throw error
  }
}

/** Whether a text needs quotes to be read back as a string. */
export function needsQuotes(text: string): boolean {
  return resolvePlain(text) !== text || OLD_BOOLEANS.has(text) || BASE_60.test(text)
}

/** Booleans and base-60 numbers of YAML 1.1. */
const OLD_BOOLEANS = new Set('y Y yes Yes YES on On ON n N no No NO off Off OFF'.split(' '))
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/

/** The number or time that a text starting with a digit, a sign or a point denotes, otherwise the text. */
function resolveNumber(text: string, allowsTime: boolean): Value {
  const small = smallInteger(text)
  if (small !== undefined) return small
  const special = SPECIAL_FLOATS.get(text)
  if (special !== undefined) return new Float(special)
  if (text.startsWith('.')) {
    // After a leading point, underscores must be between digits; otherwise they may be anywhere.
    return LOOSE_UNDERSCORE.test(text) ? text : (floatValue(text.replaceAll('_', '')) ?? text)
  }
  const time = allowsTime ? timestamp(text) : undefined
  if (time !== undefined) return time
  const digits = text.includes('_') ? text.replaceAll('_', '') : text
  return integerValue(digits) ?? floatValue(digits) ?? prefixedInteger(digits) ?? text
}

/** The fast path for most integers: a few decimal digits without leading zeros. */
function smallInteger(text: string): NarrowInteger | undefined {
  if (text.length > 15) return undefined
  const isNegative = text.charCodeAt(0) === 45
  let value = 0
  for (let i = isNegative ? 1 : 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (!(digit >= 0 && digit <= 9) || (value === 0 && i > (isNegative ? 1 : 0))) return undefined
    value = value * 10 + digit
  }
  if (isNegative && text.length === 1) return undefined
  return integer(BigInt(isNegative ? -value : value))
}

function integerValue(digits: string): Value | undefined {
  const parts = INTEGER.exec(digits)
  if (parts === null) return undefined
  const [, sign, hexadecimal, octal, binary, oldOctal, decimal] = parts
  const literal =
    decimal ??
    (hexadecimal !== undefined ? `0x${hexadecimal}` : binary !== undefined ? `0b${binary}` : `0o${octal ?? oldOctal}`)
  const value = sign === '-' ? -BigInt(literal) : BigInt(literal)
  if (value >= MIN_INT64 && value <= MAX_INT64) return integer(value)
  return sign === '' && value <= MAX_UINT64 ? new Uint64(value) : undefined
}

function floatValue(digits: string): Float | undefined {
  if (!FLOAT.test(digits)) return undefined
  const value = Number(digits)
  return Number.isFinite(value) ? new Float(value) : undefined
}

function prefixedInteger(digits: string): NarrowInteger | undefined {
  const parts = SIGN_BEHIND_PREFIX.exec(digits)
  if (parts === null) return undefined
  const [, base, sign, rest] = parts
  if (base === 'b' && !/^[01]+$/.test(rest!)) return undefined
  const value = BigInt(`0${base}${rest}`) * (sign === '-' ? -1n : 1n)
  return value >= MIN_INT64 && value <= MAX_INT64 ? integer(value) : undefined
}

/** Go's `int`, which the rounding methods do not accept. */
function integer(value: bigint): NarrowInteger {
  return new NarrowInteger(value, 'int')
}

function timestamp(text: string): Timestamp | undefined {
  if (text.charCodeAt(4) !== 45) return undefined
  const parts = TIME.exec(text)
  if (parts === null) return undefined
  const [, year, month, day, separator, hour = '0', minute = '0', second = '0', fraction = '', zone] = parts
  // A time after T needs a zone, one after a space must not have one.
  if (separator !== undefined && /^t/i.test(separator) !== (zone !== undefined)) return undefined
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  date.setUTCHours(Number(hour), Number(minute), Number(second))
  const offset = zone === undefined || zone === 'Z' ? 0 : zoneSeconds(zone)
  if (offset === undefined) return undefined
  const seconds = BigInt(date.getTime() / 1000 - offset)
  const nanos = seconds * NANOS_PER_SECOND + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
  return new Timestamp(nanos, offset === 0 ? loadZone('UTC') : { name: '', offsetSeconds: offset })
}

/** The limits are the original's, which accepts 24 hours and 60 minutes. */
function zoneSeconds(zone: string): number | undefined {
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(4, 6))
  if (hours > 24 || minutes > 60) return undefined
  const seconds = (hours * 60 + minutes) * 60
  return zone.startsWith('-') ? -seconds : seconds
}
