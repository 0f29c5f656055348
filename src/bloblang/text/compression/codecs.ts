/** The algorithms of `compress` and `decompress`, each over a whole buffer in memory. */
import { messageOf } from '../../../base/index.ts'
import {
  constants,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib'
import { MappingError } from '../../errors.ts'
import { decompressBzip2 } from './bzip2.ts'
import { compressLz4, decompressLz4 } from './lz4.ts'
import { compressSnappy, decompressSnappy } from './snappy.ts'
import { MAX_RESULT_BYTES } from '../target.ts'

type Codec = (bytes: Uint8Array) => Uint8Array

/** Levels of deflate range from -2 (Huffman only) to 9; -1 is the default. */
const HUFFMAN_ONLY = -2
const DEFAULT_LEVEL = -1

/** Options for Node's inflate. Allocating its default buffer of 16 KiB takes longer than inflating a short message. */
function inflateOptions({ length }: Uint8Array) {
  return { maxOutputLength: MAX_RESULT_BYTES, chunkSize: chunkSize(length * 4) }
}

function chunkSize(expectedBytes: number): number {
  return Math.max(MIN_CHUNK_BYTES, Math.min(expectedBytes, MAX_CHUNK_BYTES))
}

const MIN_CHUNK_BYTES = 512
const MAX_CHUNK_BYTES = 64 * 1024

/** Throws for an unknown algorithm; each call throws for an invalid level. */
export function compressor(algorithm: string, level: number): Codec {
  switch (algorithm) {
    case 'gzip':
    case 'pgzip':
      return bytes => gzipSync(bytes, deflateOptions(bytes, level, `gzip: invalid compression level: ${level}`))
    case 'zlib':
      return bytes => deflateSync(bytes, deflateOptions(bytes, level, `zlib: invalid compression level: ${level}`))
    case 'flate': {
      const refusal = `flate: invalid compression level ${level}: want value in range [-2, 9]`
      if (level === 0) return storedBlocks
      return bytes => deflateRawSync(bytes, deflateOptions(bytes, level, refusal))
    }
    case 'lz4':
      return bytes => compressLz4(bytes, level)
    case 'snappy':
      return bytes => compressSnappy(bytes)
    case 'zstd':
      return bytes =>
        zstdCompressSync(bytes, {
          params: { [constants.ZSTD_c_compressionLevel]: zstdLevel(level) },
          chunkSize: chunkSize(bytes.length + 64),
        })
    default:
      throw new MappingError(`compression type not recognised: ${algorithm}`)
  }
}

function deflateOptions({ length }: Uint8Array, level: number, refusal: string) {
  if (level < HUFFMAN_ONLY || level > 9) throw new MappingError(refusal)
  const size = { chunkSize: chunkSize(length + 64) }
  if (level === HUFFMAN_ONLY) return { ...size, strategy: constants.Z_HUFFMAN_ONLY }
  return level === DEFAULT_LEVEL ? size : { ...size, level }
}

/** Wraps bytes in stored blocks (RFC 1951, section 3.2.4), followed by an empty one, as Go does. */
function storedBlocks(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = []
  const block = (isLast: boolean, content: Uint8Array) => {
    const { length } = content
    parts.push(Uint8Array.of(isLast ? 1 : 0, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255), content)
  }
  for (let at = 0; at < bytes.length; at += 65_535) block(false, bytes.subarray(at, at + 65_535))
  block(true, new Uint8Array(0))
  return Buffer.concat(parts)
}

/** The zstd levels of the library for those of the original: fastest, default, better, best. */
function zstdLevel(level: number): number {
  return level < 0 ? 3 : Math.max(1, Math.min(level, 22))
}

/** Throws for an unknown algorithm; each call throws for invalid data. */
export function decompressor(algorithm: string): Codec {
  switch (algorithm) {
    case 'gzip':
    case 'pgzip':
      return gunzip
    case 'zlib':
      return bytes => {
        if (bytes.length < 2) throw new MappingError('unexpected EOF')
        return inflating('zlib', bytes, () => inflateSync(bytes, inflateOptions(bytes)))
      }
    case 'flate':
      return bytes => inflating('flate', bytes, () => inflateRawSync(bytes, inflateOptions(bytes)))
    case 'bzip2':
      return decompressBzip2
    case 'lz4':
      return decompressLz4
    case 'snappy':
      return decompressSnappy
    case 'zstd':
      return zstd
    default:
      throw new MappingError(`compression type not recognised: ${algorithm}`)
  }
}

function gunzip(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) throw new MappingError('EOF')
  if (bytes.length < 10) throw new MappingError('unexpected EOF')
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8) throw new MappingError('gzip: invalid header')
  return inflating('gzip', bytes, () => gunzipSync(bytes, inflateOptions(bytes)))
}

function inflating(name: string, bytes: Uint8Array, inflate: () => Uint8Array): Uint8Array {
  try {
    return inflate()
  } catch (error) {
    throw inflateFailure(name, bytes, error)
  }
}

function inflateFailure(name: string, bytes: Uint8Array, error: unknown): MappingError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const message = messageOf(error)
  if (code === 'ERR_BUFFER_TOO_LARGE') {
    return new MappingError(`the decompressed data would be more than the limit of ${MAX_RESULT_BYTES} bytes`)
  }
  if (code === 'Z_BUF_ERROR') return new MappingError('unexpected EOF')
  if (code === 'Z_NEED_DICT') return new MappingError('zlib: invalid dictionary')
  if (/incorrect header check|unknown compression method|invalid window size/.test(message)) {
    return new MappingError(`${name}: invalid header`)
  }
  if (/incorrect (data|length) check/.test(message)) return new MappingError(`${name}: invalid checksum`)
  return new MappingError(`flate: corrupt input before offset ${corruptOffset(name, bytes)}`)
}

/** The offset of the first corrupt byte: the longest prefix that inflates, counted like the original. */
function corruptOffset(name: string, bytes: Uint8Array): number {
  const header = name === 'flate' ? 0 : name === 'zlib' ? 2 : 10
  const body = bytes.subarray(header)
  let good = 0
  let bad = body.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (isCorrupt(body.subarray(0, middle))) bad = middle
    else good = middle
  }
  return bad
}

function isCorrupt(bytes: Uint8Array): boolean {
  try {
    inflateRawSync(bytes, inflateOptions(bytes))
    return false
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR')
  }
}

function zstd(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return new Uint8Array()
  const { buffer, engine } = unpackZstd(bytes)
  // The library stops at anything that is not a frame.
  if (engine.bytesWritten < bytes.length) throw new MappingError('invalid input: magic number mismatch')
  return buffer
}

function unpackZstd(bytes: Uint8Array): {
  readonly buffer: Uint8Array
  readonly engine: { readonly bytesWritten: number }
} {
  try {
    const options = { ...inflateOptions(bytes), info: true }
    return zstdDecompressSync(bytes, options) as unknown as ReturnType<typeof unpackZstd> // untyped option `info`
  } catch (error) {
    const message = messageOf(error)
    if (/Unknown frame descriptor/i.test(message)) throw new MappingError('invalid input: magic number mismatch')
    if (/Src size is incorrect|unexpected end/i.test(message)) throw new MappingError('unexpected EOF')
    throw new MappingError(`zstd: ${message}`)
  }
}
