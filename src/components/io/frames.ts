import { Buffer } from 'node:buffer'
import { unreachable } from '../../base/index.ts'

/** How messages are delimited in a pipe. */
export type FrameCodec = 'lines' | 'length_prefixed_uint32_be' | 'netstring'

export const frameCodecs: Readonly<Record<FrameCodec, string>> = {
  lines: 'One message per line.',
  length_prefixed_uint32_be: 'Each preceded by its size in four bytes, big-endian.',
  netstring: 'As netstrings: each preceded by its size in decimal digits and a colon, and followed by a comma.',
}

/** Encodes a message as it is written to the pipe. */
export function frame(codec: FrameCodec, body: Uint8Array): Uint8Array {
  switch (codec) {
    case 'lines':
      return Buffer.concat([body, Buffer.from('\n')])
    case 'length_prefixed_uint32_be': {
      const size = Buffer.alloc(4)
      size.writeUInt32BE(body.length)
      return Buffer.concat([size, body])
    }
    case 'netstring':
      return Buffer.concat([Buffer.from(`${body.length}:`), body, Buffer.from(',')])
    default:
      return unreachable(codec)
  }
}

/** Splits what is read from a pipe into messages. */
export class FrameReader {
  readonly #codec: FrameCodec
  readonly #maxBytes: number
  #rest = Buffer.alloc(0)

  constructor(codec: FrameCodec, maxBytes: number) {
    this.#codec = codec
    this.#maxBytes = maxBytes
  }

  /**
   * Returns the messages completed by this piece, where null is the end. Throws if the input does not follow the codec.
   */
  push(piece: Uint8Array | null): readonly Uint8Array[] {
    const isEnd = piece === null
    if (piece !== null) this.#rest = this.#rest.length === 0 ? Buffer.from(piece) : Buffer.concat([this.#rest, piece])
    const bodies: Uint8Array[] = []
    for (;;) {
      const cut = this.#cut(isEnd)
      if (cut === null) break
      bodies.push(cut.body)
      this.#rest = this.#rest.subarray(cut.size)
    }
    if (this.#rest.length >= this.#maxBytes) throw new Error('bufio.Scanner: token too long')
    return bodies
  }

  #cut(isEnd: boolean): { readonly body: Uint8Array; readonly size: number } | null {
    const rest = this.#rest
    switch (this.#codec) {
      case 'lines': {
        const end = rest.indexOf(10)
        if (end === -1 && (!isEnd || rest.length === 0)) return null
        const stop = end === -1 ? rest.length : end
        const body = rest.subarray(0, rest[stop - 1] === 13 ? stop - 1 : stop)
        return { body, size: end === -1 ? stop : stop + 1 }
      }
      case 'length_prefixed_uint32_be': {
        if (rest.length < 4) return null
        const size = 4 + rest.readUInt32BE(0)
        return rest.length < size ? null : { body: rest.subarray(4, size), size }
      }
      case 'netstring':
        return cutNetstring(rest)
      default:
        return unreachable(this.#codec)
    }
  }
}

function cutNetstring(rest: Buffer): { readonly body: Uint8Array; readonly size: number } | null {
  const colon = rest.indexOf(':')
  if (colon === -1) return null
  if (colon === 0) throw new Error("encountered invalid netstring: netstring starts with colon (':')")
  const digits = rest.toString('latin1', 0, colon)
  if (!/^\d+$/.test(digits)) throw new Error(`encountered invalid netstring: unable to decode length '${digits}'`)
  const end = colon + 1 + Number(digits)
  if (rest.length <= end) return null
  if (rest[end] !== 44) throw new Error('encountered invalid netstring: trailing comma-character is missing')
  return { body: rest.subarray(colon + 1, end), size: end + 1 }
}
