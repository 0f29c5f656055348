import { MappingError } from '../../errors.ts'
import { Timestamp } from '../../value.ts'
import { clockView } from './format.ts'
import { NANOS_PER_SECOND, secondsFromCivil } from './calendar.ts'
import { instantOf } from './zone.ts'

/** An ISO 8601 period; its fields keep their decimals, because `P1.5D` is not `P1DT12H`. */
export interface Period {
  readonly negative: boolean
  readonly fields: Readonly<Record<Designator, Decimal>>
}

type Designator = 'Y' | 'MO' | 'W' | 'D' | 'H' | 'MI' | 'S'

/** coefficient / 10^scale */
interface Decimal {
  readonly coefficient: bigint
  readonly scale: number
}

const ZERO: Decimal = { coefficient: 0n, scale: 0 }
const DATE_PARTS: readonly Designator[] = ['Y', 'MO', 'W', 'D']
const MAX_DIGITS = 19

/** Parses `P1Y2M3W4DT5H6M7.5S`, with a sign before the P or before any number. */
export function parsePeriod(text: string): Period {
  const unsigned = text.replace(/^[-+]/, '')
  if (unsigned === '') throw new MappingError('cannot parse a blank string as a period')
  if (!unsigned.startsWith('P')) throw new MappingError(`${text}: expected 'P' period mark at the start`)
  const fields: Record<Designator, Decimal> = { Y: ZERO, MO: ZERO, W: ZERO, D: ZERO, H: ZERO, MI: ZERO, S: ZERO }
  const seen = new Set<Designator>()
  let rest = unsigned.slice(1)
  let inTime = false
  let fractionOf: string | null = null
  while (rest !== '') {
    if (rest.startsWith('T')) {
      if (inTime) throw new MappingError(`${text}: 'T' designator cannot occur more than once`)
      inTime = true
      rest = rest.slice(1)
      continue
    }
    const number = scanNumber(rest, text)
    const letter = rest[number.length]!
    const value = parseDecimal(number, text)
    const designator = designatorOf(letter, inTime, text)
    if (fractionOf !== null && value.coefficient !== 0n) {
      throw new MappingError(`${text}: '${fractionOf}' & '${letter}' only the last field can have a fraction`)
    }
    if (inTime === DATE_PARTS.includes(designator))
      throw new MappingError(`${text}: '${letter}' designator cannot occur here`)
    if (seen.has(designator)) throw new MappingError(`${text}: '${letter}' designator cannot occur more than once`)
    seen.add(designator)
    fields[designator] = value
    if (value.scale > 0) fractionOf = letter
    rest = rest.slice(number.length + 1)
  }
  if (seen.size === 0) throw new MappingError(`${text}: expected 'Y', 'M', 'W', 'D', 'H', 'M', or 'S' designator`)
  return { negative: text.startsWith('-'), fields }
}

/** Parses a period to nanoseconds: {@link parsePeriod} followed by {@link periodNanos}. */
export function parsePeriodNanos(text: string): bigint {
  const usual = USUAL.exec(text)
  if (usual === null) return periodNanos(parsePeriod(text))
  const [, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0, fraction] = usual
  const whole = ((+weeks * 7 + +days) * 24 + +hours) * 3600 + +minutes * 60 + +seconds
  return BigInt(whole) * NANOS_PER_SECOND + (fraction === undefined ? 0n : BigInt(+fraction.padEnd(9, '0')))
}

/** Periods without years, months and signs, in the usual order and too short to overflow 64 bits. */
const USUAL =
  /^P(?=T?\d)(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,4})M)?(?:(\d{1,9})(?:\.(\d{1,9}))?S)?)?$/

/** The nanoseconds of a period, with years of 365.2425 days; wraps around at 64 bits like the original. */
function periodNanos(period: Period): bigint {
  const { Y, MO, W, D } = period.fields
  // In billionths of a day.
  const day = 1_000_000_000n
  const days = scaled(D, day) + scaled(W, 7n * day) + scaled(MO, 30_436_875n * 1000n) + scaled(Y, 365_242_500n * 1000n)
  return int64((period.negative ? -1n : 1n) * (int64(int64(days) * 86_400n) + clockNanos(period)))
}

/**
 * Returns a function that adds a period: whole years, months, weeks and days by the zone's calendar, with overflow (31
 * January + P1M is 3 March). Everything that depends only on the period is computed once.
 */
export function periodAdder(period: Period, direction: 1 | -1): (timestamp: Timestamp) => Timestamp {
  const dateFields = DATE_PARTS.map(part => period.fields[part])
  const byCalendar = dateFields.some(field => field.coefficient !== 0n) && dateFields.every(field => field.scale === 0)
  const sign = (period.negative ? -1n : 1n) * BigInt(direction)
  if (!byCalendar) {
    const change = BigInt(direction) * periodNanos(period)
    return ({ unixNanos, zone }) => new Timestamp(unixNanos + change, zone)
  }
  // A date has four fields.
  const date = dateFields.map(field => Number(sign * field.coefficient)) as [number, number, number, number]
  const clockChange = sign * clockNanos(period)
  return timestamp => addDate(timestamp, date, clockChange)
}

function addDate(
  timestamp: Timestamp,
  [years, months, weeks, days]: readonly [number, number, number, number],
  clockChange: bigint,
): Timestamp {
  const { civil, nanos } = clockView(timestamp)
  const { hour, minute, second } = civil
  const year = civil.year + years
  const month = civil.month + months
  const clock = secondsFromCivil({ year, month, day: civil.day + 7 * weeks + days, hour, minute, second })
  const unixNanos = BigInt(instantOf(timestamp.zone, clock)) * NANOS_PER_SECOND + BigInt(nanos)
  return new Timestamp(unixNanos + clockChange, timestamp.zone)
}

function clockNanos({ fields }: Period): bigint {
  return int64(
    scaled(fields.H, 3_600_000_000_000n) + scaled(fields.MI, 60_000_000_000n) + scaled(fields.S, NANOS_PER_SECOND),
  )
}

/** Digits beyond the precision of the factor are lost: a second has nine. */
function scaled(field: Decimal, factor: bigint): bigint {
  if (field.coefficient === 0n) return 0n
  return int64(field.coefficient * (factor / 10n ** BigInt(field.scale)))
}

function int64(value: bigint): bigint {
  return BigInt.asIntN(64, value)
}

function scanNumber(rest: string, whole: string): string {
  const number = /^-?[0-9.,]*/.exec(rest)![0]
  if (number === '') throw new MappingError(`${whole}: expected a number but found '${rest[0]!}'`)
  if (number.length === rest.length) throw new MappingError(`${whole}: missing designator at the end`)
  return number
}

/** Keeps at most 19 digits; further fractional digits are rounded half to even. */
function parseDecimal(number: string, whole: string): Decimal {
  if (/^\d{1,15}$/.test(number)) return { coefficient: BigInt(Number(number)), scale: 0 }
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(number.replaceAll(',', '.'))
  if (match === null || match[2]! + (match[3] ?? '') === '')
    throw new MappingError(`${whole}: number invalid or out of range`)
  const [, sign = '', integer = '', fraction = ''] = match
  const significant = integer.replace(/^0+/, '')
  if (significant.length > MAX_DIGITS) throw new MappingError(`${whole}: number invalid or out of range`)
  const kept = Math.min(fraction.length, MAX_DIGITS - significant.length)
  let coefficient = BigInt(integer + fraction.slice(0, kept) || '0')
  const cut = fraction.slice(kept)
  if (/^50*$/.test(cut) ? coefficient % 2n === 1n : cut >= '5') coefficient += 1n
  return { coefficient: sign === '-' ? -coefficient : coefficient, scale: kept }
}

function designatorOf(letter: string, inTime: boolean, whole: string): Designator {
  if (letter === 'M') return inTime ? 'MI' : 'MO'
  if (letter === 'Y' || letter === 'W' || letter === 'D' || letter === 'H' || letter === 'S') return letter
  throw new MappingError(`${whole}: expected a designator Y, M, W, D, H, or S not '${letter}'`)
}
