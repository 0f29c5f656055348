import { MappingError, WrongTypeError } from '../errors.ts'
import { Timestamp, type Value } from '../value.ts'
import { utf8Bytes, utf8Text } from './bytes.ts'
import { formatRfc3339 } from '../data/time/format.ts'

/** The limit for a single result: a mapping error is better than running out of memory. */
export const MAX_RESULT_BYTES = 256 * 1024 * 1024

/** The target of a method that works on bytes: bytes, a string as UTF-8, or a timestamp as text. */
export function asBytes(target: Value): Uint8Array {
  if (target instanceof Uint8Array) return target
  if (typeof target === 'string') return utf8Bytes(target)
  if (target instanceof Timestamp) return utf8Bytes(formatRfc3339(target))
  throw new WrongTypeError(['bytes'], target)
}

/** The target of a method that accepts strings and bytes but not timestamps, as text. */
export function stringOrBytes(target: Value): string {
  if (typeof target === 'string') return target
  if (target instanceof Uint8Array) return utf8Text(target)
  throw new WrongTypeError(['string'], target)
}

/** The same, as bytes. */
export function bytesOrString(target: Value): Uint8Array {
  if (target instanceof Uint8Array) return target
  if (typeof target === 'string') return utf8Bytes(target)
  throw new WrongTypeError(['string'], target)
}

/** Applies a text function to a string or bytes; the result has the type of the input. */
export function keepKind(target: Value, change: (text: string) => string): string | Uint8Array {
  if (typeof target === 'string') return change(target)
  if (target instanceof Uint8Array) return utf8Bytes(change(utf8Text(target)))
  throw new WrongTypeError(['string'], target)
}

/** Rejects a result that would not fit in memory, before it is created. */
export function checkSize(bytes: number, what: string): void {
  if (bytes > MAX_RESULT_BYTES) {
    throw new MappingError(`${what} would be ${bytes} bytes long, more than the limit of ${MAX_RESULT_BYTES}`)
  }
}
