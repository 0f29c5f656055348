import { Timestamp } from '../../value.ts'
import {
  NANOS_PER_SECOND,
  type CivilTime,
  MONTHS,
  WEEKDAYS,
  civilFromSeconds,
  dayOfYear,
  weekdayOf,
} from './calendar.ts'
import { type LayoutElement, parseLayout } from './layout.ts'
import { type ZoneState, zoneStateAt } from './zone.ts'

/** The layout of RFC 3339 with as many fractional digits as needed. */
export const RFC3339_NANO = '2006-01-02T15:04:05.999999999Z07:00'

/** A timestamp as shown by a clock in its zone. */
export interface ClockView {
  readonly unixSeconds: number
  /** The nanoseconds within the second. */
  readonly nanos: number
  /** Seconds since 1970-01-01T00:00 as shown by the clock. */
  readonly clockSeconds: number
  readonly civil: CivilTime
  readonly zone: ZoneState
}

/** Converts a timestamp to what a clock in its zone shows. */
export function clockView(timestamp: Timestamp): ClockView {
  const { unixNanos } = timestamp
  const quotient = unixNanos / NANOS_PER_SECOND
  const remainder = Number(unixNanos - quotient * NANOS_PER_SECOND)
  const nanos = remainder < 0 ? remainder + 1e9 : remainder
  const unixSeconds = remainder < 0 ? Number(quotient) - 1 : Number(quotient)
  if (Math.abs(unixSeconds) > FAR_SECONDS)
    return farClockView(remainder < 0 ? quotient - 1n : quotient, nanos, timestamp)
  const zone = zoneStateAt(timestamp.zone, unixSeconds)
  const clockSeconds = unixSeconds + zone.offsetSeconds
  return { unixSeconds, nanos, clockSeconds, civil: civilFromSeconds(clockSeconds), zone }
}

/**
 * The view of a time too distant for floats to hold its seconds and for Intl to know its zone. The calendar repeats
 * every 400 years, including weekdays and daylight saving rules. As in Go, seconds wrap around at 2^64.
 */
function farClockView(seconds: bigint, nanos: number, timestamp: Timestamp): ClockView {
  const unixSeconds = BigInt.asUintN(64, seconds - FIRST_SECOND) + FIRST_SECOND
  const era = (at: bigint) => (at - (((at % ERA_SECONDS) + ERA_SECONDS) % ERA_SECONDS)) / ERA_SECONDS
  const likeNow = Number(unixSeconds - (era(unixSeconds) - 1n) * ERA_SECONDS)
  const zone = zoneStateAt(timestamp.zone, unixSeconds < 0n ? -FAR_SECONDS : likeNow)
  const clockSeconds = unixSeconds + BigInt(zone.offsetSeconds)
  const clockEra = era(clockSeconds)
  const civil = civilFromSeconds(Number(clockSeconds - clockEra * ERA_SECONDS))
  return {
    unixSeconds: Number(unixSeconds),
    nanos,
    clockSeconds: Number(clockSeconds),
    civil: { ...civil, year: civil.year + 400 * Number(clockEra) },
    zone,
  }
}

/** Formats a timestamp with a Go layout. */
export function formatLayout(timestamp: Timestamp, layout: string): string {
  const view = clockView(timestamp)
  let text = ''
  for (const { literal, element } of parseLayout(layout)) {
    text += literal
    if (element !== null) text += formatElement(view, element)
  }
  return text
}

/** Formats a timestamp as RFC 3339 with as many fractional digits as needed. */
export function formatRfc3339(timestamp: Timestamp): string {
  const { civil, nanos, zone } = clockView(timestamp)
  const date = `${padded(civil.year, 4)}-${padded(civil.month, 2)}-${padded(civil.day, 2)}`
  const time = `${padded(civil.hour, 2)}:${padded(civil.minute, 2)}:${padded(civil.second, 2)}`
  const offset = zone.offsetSeconds === 0 ? 'Z' : offsetText(zone.offsetSeconds, ':')
  return `${date}T${time}${trimmedFraction(nanos, 9, '.')}${offset}`
}

/** A number padded with zeros after its sign. */
export function padded(number: number, width: number): string {
  if (width === 2 && number >= 0 && number < 100) return TWO_DIGITS[number]!
  return number < 0 ? `-${String(-number).padStart(width, '0')}` : String(number).padStart(width, '0')
}

/** JavaScript dates end at this many seconds from 1970. */
const FAR_SECONDS = 8.64e12
const ERA_SECONDS = 146_097n * 86_400n
/** 1 March of the year -292277022400, from which Go counts. */
const FIRST_SECOND = -9_223_372_028_741_760_000n
const TWO_DIGITS = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'))

function formatElement(view: ClockView, element: LayoutElement): string {
  const { civil, nanos, zone } = view
  switch (element.kind) {
    case '2006':
      return padded(civil.year, 4)
    case '06':
      return padded(Math.abs(civil.year) % 100, 2)
    case 'January':
      return MONTHS[civil.month - 1]!
    case 'Jan':
      return MONTHS[civil.month - 1]!.slice(0, 3)
    case '1':
      return String(civil.month)
    case '01':
      return padded(civil.month, 2)
    case 'Monday':
      return WEEKDAYS[weekdayOf(view.clockSeconds)]!
    case 'Mon':
      return WEEKDAYS[weekdayOf(view.clockSeconds)]!.slice(0, 3)
    case '2':
      return String(civil.day)
    case '_2':
      return String(civil.day).padStart(2)
    case '02':
      return padded(civil.day, 2)
    case '__2':
      return String(dayOfYear(civil)).padStart(3)
    case '002':
      return padded(dayOfYear(civil), 3)
    case '15':
      return padded(civil.hour, 2)
    case '3':
      return String(civil.hour % 12 || 12)
    case '03':
      return padded(civil.hour % 12 || 12, 2)
    case '4':
      return String(civil.minute)
    case '04':
      return padded(civil.minute, 2)
    case '5':
      return String(civil.second)
    case '05':
      return padded(civil.second, 2)
    case 'PM':
      return civil.hour >= 12 ? 'PM' : 'AM'
    case 'pm':
      return civil.hour >= 12 ? 'pm' : 'am'
    case 'MST':
      return zone.abbreviation || offsetText(zone.offsetSeconds, '')
    case 'Z':
    case '-':
      return formatOffset(zone.offsetSeconds, element)
    case '.0':
      return (
        element.text[0]! +
        padded(nanos, 9)
          .padEnd(element.text.length, '0')
          .slice(0, element.text.length - 1)
      )
    case '.9':
      return trimmedFraction(nanos, element.text.length - 1, element.text[0]!)
  }
}

function formatOffset(offsetSeconds: number, element: LayoutElement): string {
  if (element.kind === 'Z' && offsetSeconds === 0) return 'Z'
  const colon = element.text.includes(':') ? ':' : ''
  const text = offsetText(offsetSeconds, colon)
  const digits = element.text.replace(/[^0-9]/g, '').length
  if (digits === 2) return text.slice(0, 3)
  return digits === 6 ? text + colon + padded(Math.abs(offsetSeconds) % 60, 2) : text
}

/** `+01:30`. The sign is that of the whole minutes: less than a minute west of UTC counts as east. */
function offsetText(offsetSeconds: number, colon: string): string {
  const minutes = Math.trunc(offsetSeconds / 60)
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${padded(Math.trunc(size / 60), 2)}${colon}${padded(size % 60, 2)}`
}

function trimmedFraction(nanos: number, digits: number, separator: string): string {
  if (nanos === 0) return ''
  const text = padded(nanos, 9).slice(0, digits).replace(/0+$/, '')
  return text === '' ? '' : separator + text
}
