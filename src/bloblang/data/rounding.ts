import { MappingError, WrongTypeError } from '../errors.ts'
import { Float, JsonNumber, NarrowFloat, NarrowInteger, Uint64 } from '../value.ts'
import type { Value } from '../value.ts'
import { documentInteger, floatToInt64, getNumber } from './coerce.ts'

/** Rounds a number; integers are unchanged, and results in range become int64. */
export function roundWith(round: (float: number) => number, target: Value): Value {
  const number = plainNumber(target)
  if (!(number instanceof Float)) return number
  const rounded = round(number.value)
  try {
    return floatToInt64(rounded)
  } catch (error) {
    if (error instanceof MappingError) return new Float(rounded)
    throw error
  }
}

/** Rounds half away from zero, unlike `Math.round`. */
export function roundHalfAway(float: number): number {
  return Math.sign(float) * Math.round(Math.abs(float))
}

/** A number of any kind as float, with the errors of the rounding methods. */
export function numberOf(target: Value): number {
  return getNumber(plainNumber(target))
}

function plainNumber(target: Value): bigint | Float | Uint64 {
  if (target instanceof NarrowInteger || target instanceof NarrowFloat) throw new WrongTypeError(['number'], target)
  if (typeof target === 'bigint' || target instanceof Float || target instanceof Uint64) return target
  if (typeof target !== 'number' && !(target instanceof JsonNumber)) throw new WrongTypeError(['number'], target)
  const integer = documentInteger(target)
  if (integer !== undefined) return integer
  try {
    return new Float(getNumber(target))
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`failed to parse number: ${error.message}`)
    throw error
  }
}
