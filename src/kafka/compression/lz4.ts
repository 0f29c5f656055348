import { ProtocolError } from '../reader.ts'
import { runWasm } from './wasm.ts'

const magic = 0x184d2204

/** Decompresses LZ4 frames. Their maximum decompressed size is checked before anything is decompressed. */
export function lz4Decompress(data: Buffer, maxBytes: number): Buffer {
  const bound = largestSize(data)
  if (bound > maxBytes) throw new ProtocolError(`lz4 frame of up to ${bound} bytes is larger than ${maxBytes}`)
  return bound === 0 ? Buffer.alloc(0) : runWasm('lz4_decompress', data)
}

export function lz4Compress(data: Buffer): Buffer {
  return runWasm('lz4_compress', data)
}

/**
 * Upper bound for a frame's decompressed size in bytes: all blocks but the last are full, and
 * each holds at most the frame's block size.
 */
function largestSize(data: Buffer): number {
  if (data.length < 7 || data.readUInt32LE(0) !== magic) throw new ProtocolError('not an lz4 frame')
  const flags = data[4]!
  const hasBlockChecksums = (flags & 16) !== 0
  const hasContentSize = (flags & 8) !== 0
  const hasDictionary = (flags & 1) !== 0
  const blockBytes = 1 << (8 + 2 * ((data[5]! >> 4) & 7))
  let at = 6
  if (hasContentSize) at += 8
  if (hasDictionary) at += 4
  at += 1
  let blocks = 0
  let storedBytes = 0
  for (;;) {
    if (at + 4 > data.length) throw new ProtocolError('lz4 frame is truncated')
    const word = data.readUInt32LE(at)
    at += 4
    if (word === 0) break
    const length = word & 0x7fffffff
    if (word >>> 31 === 1) storedBytes += length
    else blocks++
    at += length + (hasBlockChecksums ? 4 : 0)
  }
  // LZ4's compression ratio is at most 255 to 1, whatever the block size says.
  return Math.min(blocks * blockBytes, data.length * 255) + storedBytes
}
