import { MappingError } from '../../errors.ts'
import { utf8Bytes } from '../../text/bytes.ts'
import { checksum32, type Crc32Polynomial, fnv32 } from '../../text/checksums.ts'
import { digest, hmac, type HmacDigest } from '../../text/crypto/digest.ts'
import { xxhash64 } from '../../text/xxhash.ts'
import { quote } from '../../text/quote.ts'
import { bytesOrString } from '../../text/target.ts'
import type { Value } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'hash',
  categories: ['Encoding and Encryption'],
  status: 'stable',
  description:
    'Hashes a string or bytes and returns bytes; use `.encode("hex")` or `.string()` for readable output. The algorithm is one of `hmac_sha1`, `hmac_sha256`, `hmac_sha512`, which require a key, `md5`, `sha1`, `sha256`, `sha512`, `xxhash64`, `crc32` and `fnv32`; `xxhash64` and `fnv32` return decimal numbers as text.',
  params: [
    { name: 'algorithm', type: 'string', description: 'The algorithm.' },
    { name: 'key', type: 'string', description: 'The key, for HMACs.', optional: true },
    {
      name: 'polynomial',
      type: 'string',
      description: 'The variant of `crc32`: `IEEE`, `Castagnoli` or `Koopman`.',
      default: 'IEEE',
    },
  ],
  examples: [
    [
      'root.h1 = this.value.hash("sha1").encode("hex")',
      '{"value":"hello world"}',
      '{"h1":"2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"}',
    ],
    [
      'root.h2 = this.value.hash("hmac_sha1","static-key").encode("hex")',
      '{"value":"hello world"}',
      '{"h2":"d87e5f068fa08fe90bb95bc7c8344cb809179d76"}',
    ],
    [
      'root.h3 = this.value.hash(algorithm: "crc32", polynomial: "Castagnoli").encode("hex")',
      '{"value":"hello world"}',
      '{"h3":"c99465aa"}',
    ],
  ],
  create: ([algorithm, key, polynomial]) => hasher(algorithm, utf8Bytes(key ?? ''), polynomial),
})

function hasher(algorithm: string, key: Uint8Array, polynomial: string): (target: Value) => Uint8Array {
  switch (algorithm) {
    case 'hmac_sha1':
    case 'hmac-sha1':
    case 'hmac_sha256':
    case 'hmac-sha256':
    case 'hmac_sha512':
    case 'hmac-sha512': {
      if (key.length === 0) throw new MappingError(`hash algorithm ${algorithm} requires a key argument`)
      const sign = hmac(algorithm.slice('hmac-'.length) as HmacDigest, key) // one of the cases above
      return target => sign(bytesOrString(target))
    }
    case 'md5':
    case 'sha1':
    case 'sha256':
    case 'sha512':
      return target => digest(algorithm, bytesOrString(target))
    case 'xxhash64':
      return target => Buffer.from(xxhash64(bytesOrString(target)).toString(), 'latin1')
    case 'crc32':
      return crc32(polynomial)
    case 'fnv32':
      return target => Buffer.from(String(fnv32(bytesOrString(target))), 'latin1')
    default:
      throw new MappingError(`unrecognized hash type: ${algorithm}`)
  }
}

function crc32(polynomial: string): (target: Value) => Uint8Array {
  return target => {
    const bytes = bytesOrString(target)
    if (!['IEEE', 'Castagnoli', 'Koopman'].includes(polynomial)) {
      throw new MappingError(`unsupported crc32 hash key ${quote(polynomial)}`)
    }
    const checksum = Buffer.allocUnsafe(4)
    // The options of the parameter are the polynomials.
    checksum.writeUInt32BE(checksum32(bytes, polynomial as Crc32Polynomial))
    return checksum
  }
}
