import { MappingError } from '../errors.ts'
import type { Value } from '../value.ts'
import { toInt64, toUint64 } from './coerce.ts'

/** Converts to a narrower signed integer; out of range is an error. */
export function toNarrowInt(value: Value, bits: 8 | 16 | 32): bigint {
  const wide = toInt64(value)
  const limit = 1n << BigInt(bits - 1)
  if (wide >= limit) throw tooFar('large', bits, 'signed')
  if (wide < -limit) throw tooFar('small', bits, 'signed')
  return wide
}

/** Converts to a narrower unsigned integer; out of range is an error. */
export function toNarrowUint(value: Value, bits: 8 | 16 | 32): bigint {
  const wide = toUint64(value)
  if (wide >= 1n << BigInt(bits)) throw tooFar('large', bits, 'unsigned')
  return wide
}

/** The float64 with the shortest text of a 32-bit float, as the original prints it: 0.1, not 0.10000000149011612. */
export function shortestFloat32(float: number): number {
  if (!Number.isFinite(float) || Object.is(float, -0)) return float
  for (let digits = 1; digits < 9; digits++) {
    const candidate = roundedTo(float, digits)
    if (Math.fround(candidate) === float) return candidate
  }
  return Number(float.toPrecision(9))
}

/** Rounds half to even, unlike `toPrecision`, which rounds half up. */
function roundedTo(float: number, digits: number): number {
  const longer = float.toPrecision(digits + 1)
  const isHalf = /[02468]\.?5(?:e.*)?$/.test(longer) && Number(longer) === float
  return Number(isHalf ? longer.replace(/5(?=(?:e.*)?$)/, '0') : float.toPrecision(digits))
}

function tooFar(how: 'large' | 'small', bits: number, sign: string): MappingError {
  return new MappingError(`value is too ${how} to be cast as ${bits === 8 ? 'an' : 'a'} ${bits}-bit ${sign} integer`)
}
