import { NANOS_PER_SECOND } from './calendar.ts'
import { WrongTypeError } from '../../errors.ts'
import { Float, Timestamp, Uint64 } from '../../value.ts'
import type { Value, Zone } from '../../value.ts'
import { utf8Text } from '../../text/bytes.ts'
import { getInt, sanitize } from '../coerce.ts'
import { MAX_INT64, MIN_INT64 } from '../parse-number.ts'
import { RFC3339_NANO } from './format.ts'
import { parseTime } from './parse.ts'
import { within } from '../errors.ts'
import { LOCAL, loadZone } from './zone.ts'

/** Midnight of the first day of year 1, the origin for rounding. */
const ZERO_TIME_NANOS = -62_135_596_800n * NANOS_PER_SECOND

/** A timestamp, a text in RFC 3339, or a number as Unix seconds in the local zone. */
export function getTimestamp(value: Value): Timestamp {
  if (value instanceof Timestamp) return value
  if (typeof value === 'string') return parseTime(RFC3339_NANO, value)
  const plain = sanitize(value)
  if (typeof plain === 'bigint') return new Timestamp(plain * NANOS_PER_SECOND, LOCAL)
  if (plain instanceof Uint64) return new Timestamp(getInt(plain) * NANOS_PER_SECOND, LOCAL)
  if (plain instanceof Float) return fromFloat(plain.value)
  if (typeof plain === 'string') return parseTime(RFC3339_NANO, plain)
  if (plain instanceof Uint8Array) return parseTime(RFC3339_NANO, utf8Text(plain))
  throw new WrongTypeError(['number', 'string'], value)
}

/** Returns a function that moves timestamps into a zone, if one is given. Throws immediately for an unknown zone. */
export function inNamedZone(name: string | undefined): (timestamp: Timestamp) => Timestamp {
  if (name === undefined) return timestamp => timestamp
  const zone = zoneNamed(name)
  return timestamp => new Timestamp(timestamp.unixNanos, zone)
}

/** Rounds to a multiple of a duration since year 1, half up. A duration of zero or less changes nothing. */
export function roundTimestamp(timestamp: Timestamp, durationNanos: bigint): Timestamp {
  if (durationNanos <= 0n) return timestamp
  const elapsed = timestamp.unixNanos - ZERO_TIME_NANOS
  const rest = ((elapsed % durationNanos) + durationNanos) % durationNanos
  const change = rest + rest < durationNanos ? -rest : durationNanos - rest
  return new Timestamp(timestamp.unixNanos + change, timestamp.zone)
}

/** The nanoseconds between two timestamps, clamped to 64 bits. */
export function nanosBetween(later: Timestamp, earlier: Timestamp): bigint {
  const nanos = later.unixNanos - earlier.unixNanos
  if (BigInt.asIntN(64, nanos) === nanos) return nanos
  return secondsOf(later) < secondsOf(earlier) ? MIN_INT64 : MAX_INT64
}

/** Seconds since year 1, wrapping around at 2^64 as in Go. */
function secondsOf({ unixNanos }: Timestamp): bigint {
  return BigInt.asIntN(64, (unixNanos - ZERO_TIME_NANOS) / NANOS_PER_SECOND)
}

/** Whole units since 1970, rounded down, wrapped to 64 bits as in the original. */
export function unixCount(timestamp: Timestamp, nanosPerUnit: bigint): bigint {
  const { unixNanos } = timestamp
  if (nanosPerUnit === 1n) return BigInt.asIntN(64, unixNanos)
  const count = unixNanos / nanosPerUnit
  return BigInt.asIntN(64, unixNanos < 0n && count * nanosPerUnit !== unixNanos ? count - 1n : count)
}

/** The fraction is truncated to nanoseconds, including the float's rounding error. */
function fromFloat(seconds: number): Timestamp {
  const whole = Math.trunc(seconds)
  const fraction = BigInt(Math.trunc((seconds - whole) * 1e9) || 0)
  return new Timestamp(getInt(new Float(whole)) * NANOS_PER_SECOND + fraction, LOCAL)
}

function zoneNamed(name: string): Zone {
  try {
    return loadZone(name)
  } catch (error) {
    throw within('failed to parse timezone location name', error)
  }
}
