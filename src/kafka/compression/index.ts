// The codecs of record batches. The broker inspects batches but stores them as they
// arrive unless a topic requires otherwise.
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { ProtocolError } from '../reader.ts'
import { lz4Compress, lz4Decompress } from './lz4.ts'
import { snappyCompress, snappyDecompress } from './snappy.ts'

/** Default limit for the size of a decompressed batch, in bytes. */
const defaultMaxBytes = 128 * 1024 * 1024

/**
 * Decompresses the records of a batch with the codec from its attributes. Throws a ProtocolError if
 * the data is corrupt or exceeds `maxBytes`.
 */
export function decompress(codec: number, data: Buffer, maxBytes = defaultMaxBytes): Buffer {
  try {
    switch (codec) {
      case 0:
        return data
      case 1:
        return gunzipSync(data, { maxOutputLength: maxBytes })
      case 2:
        return snappyDecompress(data, maxBytes)
      case 3:
        return lz4Decompress(data, maxBytes)
      case 4:
        return zstdDecompressSync(data, { maxOutputLength: maxBytes })
      default:
        break
    }
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause
    throw new ProtocolError('records cannot be decompressed', { cause })
  }
  throw new ProtocolError(`unknown compression codec ${codec}`)
}

/**
 * Compresses the records of a batch, favouring speed over size unless a level is
 * given. Only gzip and zstd support levels here.
 */
export function compress(codec: number, data: Buffer, level?: number): Buffer {
  switch (codec) {
    case 0:
      return data
    case 1:
      return gzipSync(data, level === undefined ? {} : { level })
    case 2:
      return snappyCompress(data)
    case 3:
      return lz4Compress(data)
    case 4:
      return zstdCompressSync(data, { params: { [constants.ZSTD_c_compressionLevel]: level ?? 3 } })
    default:
      throw new ProtocolError(`unknown compression codec ${codec}`)
  }
}
