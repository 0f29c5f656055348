import { MappingError, WrongTypeError } from '../errors.ts'
import { utf8Text } from '../text/bytes.ts'
import { isObject, Opaque, type Value } from '../value.ts'
import { getBool, getNumber, getString, sanitize, isArray } from './coerce.ts'
import { MOST_CALLS } from './deep.ts'

/**
 * Equality as defined by `==`, `match`, `contains` and `index_of`. The left side determines how the right one is
 * converted, so it is not symmetric: `false == 0` holds, `0 == false` does not. Numbers compare as float64, bytes and
 * timestamps as text.
 */
export function equals(left: Value, right: Value): boolean {
  if (typeof left !== 'object' || left === null) return equalsWithin(left, right, 0, NO_PAIRS)
  const later: Pair[] = []
  if (!equalsWithin(left, right, 0, later)) return false
  for (let next = later.pop(); next !== undefined; next = later.pop()) {
    if (!equalsWithin(next.left, next.right, 0, later)) return false
  }
  return true
}

/** Two values still to be compared. */
interface Pair {
  readonly left: Value
  readonly right: Value
}

const NO_PAIRS: Pair[] = []

function equalsWithin(left: Value, right: Value, depth: number, later: Pair[]): boolean {
  if (left === null) return right === null
  switch (typeof left) {
    case 'string':
      return typeof right === 'string' ? left === right : left === attempt(getString, right)
    case 'boolean':
      return typeof right === 'boolean' ? left === right : left === attempt(getBool, right)
    case 'number':
    case 'bigint':
      return Number(left) === (typeof right === 'number' ? right : attempt(getNumber, right))
    case 'symbol':
      return false
    default: // an object or null
      return equalObjects(left, right, depth, later)
  }
}

function equalObjects(left: object & Value, right: Value, depth: number, later: Pair[]): boolean {
  if (depth > MOST_CALLS) {
    later.push({ left, right })
    return true
  }
  if (isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false
    return left.every((element, at) => equalsWithin(element, right[at]!, depth + 1, later))
  }
  if (isObject(left)) {
    if (!isObject(right)) return false
    const keys = Object.keys(left)
    if (keys.length !== Object.keys(right).length) return false
    return keys.every(key => Object.hasOwn(right, key) && equalsWithin(left[key]!, right[key]!, depth + 1, later))
  }
  if (left instanceof Opaque) return false
  const plain = left instanceof Uint8Array ? utf8Text(left) : sanitize(left)
  return typeof plain === 'string'
    ? plain === attempt(getString, right)
    : getNumber(plain) === attempt(getNumber, right)
}

/** The result of a getter; undefined if the value has another type or is out of range. */
function attempt<T>(getter: (value: Value) => T, value: Value): T | undefined {
  try {
    return getter(value)
  } catch (error) {
    if (error instanceof WrongTypeError || error instanceof MappingError) return undefined
    throw error
  }
}
