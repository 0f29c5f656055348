import { ProtocolError } from '../reader.ts'
import { runWasm } from './wasm.ts'

/**
 * Java clients wrap raw snappy blocks in the framing of the xerial library: magic,
 * two versions, blocks with their lengths.
 */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const xerialHeaderBytes = 16
const xerialBlockBytes = 32 * 1024

/** Decompresses both raw snappy (librdkafka, Go) and xerial's framing (Java). */
export function snappyDecompress(data: Buffer, maxBytes: number): Buffer {
  if (!data.subarray(0, xerialMagic.length).equals(xerialMagic)) return block(data, maxBytes)
  const blocks: Buffer[] = []
  let size = 0
  for (let at = xerialHeaderBytes; at < data.length; ) {
    if (at + 4 > data.length) throw new ProtocolError('snappy framing is truncated')
    const length = data.readInt32BE(at)
    at += 4
    if (length < 0 || at + length > data.length) throw new ProtocolError('snappy block extends beyond its frame')
    const plain = block(data.subarray(at, at + length), maxBytes - size)
    size += plain.length
    blocks.push(plain)
    at += length
  }
  return Buffer.concat(blocks)
}

/** Compresses with xerial's framing, which every client understands. */
export function snappyCompress(data: Buffer): Buffer {
  const parts = [xerialMagic, int32(1), int32(1)]
  for (let at = 0; at < data.length; at += xerialBlockBytes) {
    const packed = runWasm('snappy_compress', data.subarray(at, at + xerialBlockBytes))
    parts.push(int32(packed.length), packed)
  }
  return Buffer.concat(parts)
}

function block(data: Buffer, maxBytes: number): Buffer {
  const size = declaredSize(data)
  if (size > maxBytes) throw new ProtocolError(`snappy block of ${size} bytes is larger than ${maxBytes}`)
  return size === 0 ? Buffer.alloc(0) : runWasm('snappy_decompress', data)
}

/** Reads the decompressed size at the start of a raw block; a corrupt block may claim gigabytes. */
function declaredSize(data: Buffer): number {
  let size = 0
  for (let i = 0; i < 5; i++) {
    const byte = data[i]
    if (byte === undefined) break
    size += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) return size
  }
  throw new ProtocolError('snappy block without a size')
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}
