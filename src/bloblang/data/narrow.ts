import { MappingError } from '../errors.ts'
import type { Value } from '../value.ts'
import { toInt64, toUint64 } from './coerce.ts'

/** A signed integer of fewer bits. */
export function toNarrowInt(value: Value, bits: 8 | 16 | 32): bigint {
  const wide = toInt64(value)
  const limit = 1n << BigInt(bits - 1)
  if (wide >= limit) throw tooFar('large', bits, 'signed')
  if (wide < -limit) throw tooFar('small', bits, 'signed')
  return wide
}

/** An unsigned integer of fewer bits. */
export function toNarrowUint(value: Value, bits: 8 | 16 | 32): bigint {
  const wide = toUint64(value)
  if (wide >= 1n << BigInt(bits)) throw tooFar('large', bits, 'unsigned')
  return wide
}

/**
 * The float whose shortest text is that of the 32-bit float: `0.1`, not `0.10000000149011612`, as the original prints values of
 * that type.
 */
export function shortestFloat32(float: number): number {
  if (!Number.isFinite(float) || Object.is(float, -0)) return float
  for (let digits = 1; digits < 9; digits++) {
    const candidate = roundedTo(float, digits)
    if (Math.fround(candidate) === float) return candidate
  }
  return Number(float.toPrecision(9))
}

/** Halves go to the even digit, where `toPrecision` takes the larger one. */
function roundedTo(float: number, digits: number): number {
  const longer = float.toPrecision(digits + 1)
  const isHalf = /[02468]\.?5(?:e.*)?$/.test(longer) && Number(longer) === float
  return Number(isHalf ? longer.replace(/5(?=(?:e.*)?$)/, '0') : float.toPrecision(digits))
}

function tooFar(how: 'large' | 'small', bits: number, sign: string): MappingError {
  return new MappingError(`value is too ${how} to be cast as ${bits === 8 ? 'an' : 'a'} ${bits}-bit ${sign} integer`)
}
