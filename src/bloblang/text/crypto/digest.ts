/** Cryptographic hashes and HMACs of short messages. */
import { createHmac, hash } from 'node:crypto'
import { asBuffer } from '../bytes.ts'
import { scratch } from '../scratch.ts'

/** The hashes supported for HMAC. */
export type HmacDigest = 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** Returning text and copying it takes half the time of allocating new memory for the result. */
export function digest(algorithm: string, bytes: Uint8Array): Buffer {
  return Buffer.from(hash(algorithm, bytes, 'latin1'), 'latin1')
}

const BLOCK_BYTES = { sha1: 64, sha256: 64, sha384: 128, sha512: 128 } as const
const DIGEST_BYTES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 } as const
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c
/** Longer messages are hashed without copying them after the key. */
const MAX_SHORT_BYTES = 4096

/**
 * RFC 2104: the hash of the key XORed with one constant, followed by the hash of the key XORed with another and the
 * message. Two one-shot hashes take a third of the time that OpenSSL needs to set up an HMAC.
 */
export function hmac(algorithm: HmacDigest, key: Uint8Array): (message: Uint8Array) => Buffer {
  const blockBytes = BLOCK_BYTES[algorithm]
  const outerBytes = blockBytes + DIGEST_BYTES[algorithm]
  const innerKey = Buffer.allocUnsafe(blockBytes)
  const outerKey = Buffer.allocUnsafe(blockBytes)
  const block = key.length > blockBytes ? digest(algorithm, key) : key
  for (let at = 0; at < blockBytes; at++) {
    const byte = at < block.length ? block[at]! : 0
    innerKey[at] = byte ^ INNER_PAD
    outerKey[at] = byte ^ OUTER_PAD
  }
  return message => {
    if (message.length > MAX_SHORT_BYTES) return createHmac(algorithm, key).update(message).digest()
    const memory = scratch(blockBytes + message.length + outerBytes)
    innerKey.copy(memory)
    asBuffer(message).copy(memory, blockBytes)
    const inner = hash(algorithm, memory.subarray(0, blockBytes + message.length), 'latin1')
    outerKey.copy(memory)
    memory.write(inner, blockBytes, 'latin1')
    return digest(algorithm, memory.subarray(0, outerBytes))
  }
}
