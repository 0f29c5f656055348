/** What plain scalars of YAML stand for, by the rules of Go's yaml.v3: YAML 1.2 with remains of 1.1. */
import { loadZone } from '../data/time/zone.ts'
import { Float, Timestamp, Uint64, type Value } from '../value.ts'

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
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const TIME =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]|[ ]+)(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?)?$/
const MAX_INT64 = 0x7fffffffffffffffn
const MIN_INT64 = -0x8000000000000000n
const MAX_UINT64 = 0xffffffffffffffffn

/** The value of an unquoted scalar without a tag. */
export function resolvePlain(text: string): Value {
  const word = WORDS.get(text)
  if (word !== undefined) return word
  if (!/^[-+.0-9]/.test(text)) return text
  const special = specialFloat(text)
  if (special !== undefined) return new Float(special)
  if (text.startsWith('.')) return FLOAT.test(text) ? new Float(Number(text)) : text
  const time = timestamp(text)
  if (time !== undefined) return time
  const digits = text.replaceAll('_', '')
  const integer = integerValue(digits)
  if (integer !== undefined) return integer
  if (!FLOAT.test(digits)) return text
  const float = Number(digits)
  return Number.isFinite(float) ? new Float(float) : text
}

/** Whether a text would be read as something else than itself, were it not quoted. */
export function needsQuotes(text: string): boolean {
  return resolvePlain(text) !== text || OLD_BOOLEANS.has(text) || BASE_60.test(text)
}

/** What YAML 1.1 reads as truth values and as numbers to the base of 60. */
const OLD_BOOLEANS = new Set('y Y yes Yes YES on On ON n N no No NO off Off OFF'.split(' '))
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/

function specialFloat(text: string): number | undefined {
  if (/^\.(?:nan|NaN|NAN)$/.test(text)) return Number.NaN
  if (/^[+]?\.(?:inf|Inf|INF)$/.test(text)) return Number.POSITIVE_INFINITY
  return /^-\.(?:inf|Inf|INF)$/.test(text) ? Number.NEGATIVE_INFINITY : undefined
}

function integerValue(digits: string): Value | undefined {
  const parts = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]([0-7]+)|0[bB]([01]+)|0([0-7]+)|(0|[1-9][0-9]*))$/.exec(digits)
  if (parts === null) return undefined
  const [, sign, hexadecimal, octal, binary, oldOctal, decimal] = parts
  const literal =
    decimal ??
    (hexadecimal !== undefined ? `0x${hexadecimal}` : binary !== undefined ? `0b${binary}` : `0o${octal ?? oldOctal}`)
  const value = sign === '-' ? -BigInt(literal) : BigInt(literal)
  if (value >= MIN_INT64 && value <= MAX_INT64) return value
  return sign === '' && value <= MAX_UINT64 ? new Uint64(value) : undefined
}

function timestamp(text: string): Timestamp | undefined {
  const parts = TIME.exec(text)
  if (parts === null) return undefined
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = parts
  const numbers = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const date = new Date(0)
  date.setUTCFullYear(numbers[0], numbers[1] - 1, numbers[2])
  if (date.getUTCMonth() !== numbers[1] - 1 || date.getUTCDate() !== numbers[2]) return undefined
  if (numbers[3] > 23 || numbers[4] > 59 || numbers[5] > 59) return undefined
  date.setUTCHours(numbers[3], numbers[4], numbers[5])
  const hasClock = parts[4] !== undefined
  // A clock with T needs a zone, one behind a space has none.
  if (hasClock && /[Tt]/.test(text) !== (zone !== undefined)) return undefined
  const offset = zone === undefined || zone === 'Z' ? 0 : zoneSeconds(zone)
  const seconds = BigInt(date.getTime() / 1000 - offset)
  const nanos = seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
  return new Timestamp(nanos, offset === 0 ? loadZone('UTC') : { name: '', offsetSeconds: offset })
}

function zoneSeconds(zone: string): number {
  const seconds = (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6))) * 60
  return zone.startsWith('-') ? -seconds : seconds
}
