import { getInt, isArray } from '../data/coerce.ts'
import { MappingError, WrongTypeError } from '../errors.ts'
import { utf8Bytes } from '../text/bytes.ts'
import { NarrowInteger, type Value } from '../value.ts'
import { describe } from './errors.ts'

/**
 * `target[index]`: an array element, a byte, or, for a string, the character whose code is that byte; negative indexes
 * count from the end.
 */
export function elementAt(target: Value, position: Value): Value {
  const index = bound(position, 'index')
  if (typeof target === 'string') {
    const bytes = utf8Bytes(target)
    return String.fromCharCode(bytes[checked(index, bytes.length)]!)
  }
  if (target instanceof Uint8Array) return new NarrowInteger(BigInt(target[checked(index, target.length)]!), 'uint8')
  if (isArray(target)) return target[checked(index, target.length)]!
  throw new WrongTypeError(['array', 'string'], target)
}

function checked(index: bigint, length: number): number {
  const place = index < 0n ? index + BigInt(length) : index
  if (place < 0n || place >= BigInt(length)) throw new MappingError(`index ${place} out of bounds for length ${length}`)
  return Number(place)
}

/** `target[from:to:step]`; strings are sliced by characters. */
export function slice(target: Value, from: Value | undefined, to: Value | undefined, step: Value | undefined): Value {
  const start = from === undefined ? undefined : bound(from, 'slice start bound')
  const end = to === undefined ? undefined : bound(to, 'slice end bound')
  const stride = step === undefined ? undefined : bound(step, 'slice step')
  if (stride === 0n) throw new MappingError('slice step cannot be zero')
  if (start !== undefined && end !== undefined && stride === undefined && start > end) {
    throw new MappingError(`lower slice bound (${start}) must be lower than upper (${end})`)
  }
  if (typeof target === 'string') return pick([...target], start, end, stride).join('')
  if (target instanceof Uint8Array) return Uint8Array.from(pick([...target], start, end, stride))
  if (isArray(target)) return pick(target, start, end, stride)
  throw new WrongTypeError(['array', 'string'], target)
}

function pick<T>(items: readonly T[], from: bigint | undefined, to: bigint | undefined, stride = 1n): readonly T[] {
  const length = items.length
  const step = clamp(stride, -(2 ** 31), 2 ** 31)
  const forward = step > 0
  let start = from === undefined ? (forward ? 0 : length - 1) : fromEnd(from, length, 0)
  let end = to === undefined ? (forward ? length : -1) : fromEnd(to, length, -1)
  if (forward) {
    start = Math.min(start, length)
    end = Math.min(end, length)
    if (step === 1) return items.slice(start, Math.max(start, end))
  }
  start = Math.min(start, forward ? length : length - 1)
  const picked: T[] = []
  for (let at = start; forward ? at < end : at > end && at >= 0; at += step) picked.push(items[at]!)
  return picked
}

function fromEnd(place: bigint, length: number, least: number): number {
  return place < 0n ? Math.max(clamp(place + BigInt(length), least, length), least) : clamp(place, 0, 2 ** 31)
}

function clamp(value: bigint, low: number, high: number): number {
  return value < BigInt(low) ? low : value > BigInt(high) ? high : Number(value)
}

function bound(value: Value, what: string): bigint {
  if (typeof value === 'bigint') return value
  try {
    return getInt(value)
  } catch (error) {
    throw new MappingError(`${what}: ${describe(error)}`)
  }
}
