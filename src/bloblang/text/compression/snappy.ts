/** Snappy's block format, which has no checksum. */
import { MappingError } from '../../errors.ts'
import { copyOf, scratch } from '../scratch.ts'
import { encodeSnappy, snappyBound } from './snappy-encode.ts'
import { MAX_RESULT_BYTES } from '../target.ts'

/** Compresses bytes. */
export function compressSnappy(input: Uint8Array): Uint8Array {
  const out = scratch(5 + snappyBound(input.length))
  let at = 0
  let length = input.length
  for (; length >= 128; length = Math.floor(length / 128)) out[at++] = (length % 128) | 128
  out[at++] = length
  return copyOf(out, encodeSnappy(input, out, at))
}

/** Longer runs are copied with a single call. */
const LONG = 64

/** Decompresses bytes. Throws `s2: corrupt input`. */
export function decompressSnappy(input: Uint8Array): Uint8Array {
  let at = 0
  let size = 0
  for (let shift = 1; ; shift *= 128) {
    const byte = input[at++]
    if (byte === undefined || at > 5) throw corrupt()
    size += (byte & 127) * shift
    if (byte < 128) break
  }
  if (size > 0xffffffff) throw corrupt()
  if (size > MAX_RESULT_BYTES) throw new MappingError('s2: decoded block is too large')
  const out = Buffer.allocUnsafe(size)
  let filled = 0
  while (at < input.length) {
    const tag = input[at]!
    const kind = tag & 3
    if (kind === 0) {
      const width = Math.max(0, (tag >> 2) - 59)
      if (at + 1 + width > input.length) throw corrupt()
      const length = (width === 0 ? tag >> 2 : readNumber(input, at + 1, width)) + 1
      at += 1 + width
      if (length > out.length - filled || length > input.length - at) throw corrupt()
      if (length > LONG) out.set(input.subarray(at, at + length), filled)
      else for (let i = 0; i < length; i++) out[filled + i] = input[at + i]!
      at += length
      filled += length
      continue
    }
    const width = kind === 3 ? 4 : kind
    if (at + 1 + width > input.length) throw corrupt()
    const length = kind === 1 ? 4 + ((tag >> 2) & 7) : (tag >> 2) + 1
    const offset = kind === 1 ? ((tag & 0xe0) << 3) | input[at + 1]! : readNumber(input, at + 1, width)
    at += 1 + width
    if (offset <= 0 || offset > filled || length > out.length - filled) throw corrupt()
    for (let i = 0; i < length; i++, filled++) out[filled] = out[filled - offset]!
  }
  if (filled !== size) throw corrupt()
  return out
}

function readNumber(bytes: Uint8Array, at: number, width: number): number {
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}

function corrupt(): MappingError {
  return new MappingError('s2: corrupt input')
}
