import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from 'node:crypto'
import { asBuffer } from '../bytes.ts'
import { scratch } from '../scratch.ts'

/** The block size of AES. */
export const BLOCK_BYTES = 16
/** Longer messages get a new cipher: its setup costs more than encrypting a short message, but little here. */
const MAX_SHORT_BYTES = 4096

/**
 * A key and its ciphers, which are reused across messages although Node cannot reset their initialization vector:
 * whatever a mode does beyond encrypting blocks is done here or compensated for in the first block.
 */
export class AesKey {
  readonly bytes: Uint8Array
  #blocks: Cipheriv | undefined
  #decipheredBlocks: Decipheriv | undefined
  #chain: Cipheriv | undefined
  /** The last output block of the chain, which it XORs into the first block of the next message. */
  readonly #link = Buffer.alloc(BLOCK_BYTES)

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  cipherName(mode: string): string {
    return `aes-${this.bytes.length * 8}-${mode}`
  }

  /** Counter mode, which is its own inverse: the mask is the encrypted counter blocks, starting at the vector. */
  countered(iv: Uint8Array, input: Uint8Array): Uint8Array {
    if (input.length > MAX_SHORT_BYTES) return createCipheriv(this.cipherName('ctr'), this.bytes, iv).update(input)
    this.#blocks ??= createCipheriv(this.cipherName('ecb'), this.bytes, null).setAutoPadding(false)
    return masked(this.#blocks.update(counters(iv, Math.ceil(input.length / BLOCK_BYTES))), input)
  }

  /** Output feedback, also its own inverse: the mask is what a chain generates from zeros after the vector. */
  fedBack(iv: Uint8Array, input: Uint8Array): Uint8Array {
    if (input.length > MAX_SHORT_BYTES) return createCipheriv(this.cipherName('ofb'), this.bytes, iv).update(input)
    const length = Math.ceil(input.length / BLOCK_BYTES) * BLOCK_BYTES
    return masked(this.#chained(iv, scratch(length).fill(0, 0, length), length), input)
  }

  /** Cipher block chaining of whole blocks. */
  chained(iv: Uint8Array, input: Uint8Array): Uint8Array {
    const blocks = scratch(input.length)
    asBuffer(input).copy(blocks)
    return this.#chained(iv, blocks, input.length)
  }

  #chained(iv: Uint8Array, blocks: Buffer, length: number): Buffer {
    if (length === 0) return blocks.subarray(0, 0)
    this.#chain ??= createCipheriv(this.cipherName('cbc'), this.bytes, this.#link).setAutoPadding(false)
    // The chain XORs its last block into this first one. XORing it here too cancels it, and the vector takes its place.
    for (let at = 0; at < BLOCK_BYTES; at++) blocks[at]! ^= this.#link[at]! ^ iv[at]!
    const out = this.#chain.update(blocks.subarray(0, length))
    out.copy(this.#link, 0, length - BLOCK_BYTES)
    return out
  }

  /** The inverse of {@link chained}. */
  unchained(iv: Uint8Array, input: Uint8Array): Uint8Array {
    this.#decipheredBlocks ??= createDecipheriv(this.cipherName('ecb'), this.bytes, null).setAutoPadding(false)
    const out = this.#decipheredBlocks.update(input)
    for (let at = 0; at < Math.min(BLOCK_BYTES, out.length); at++) out[at]! ^= iv[at]!
    for (let at = BLOCK_BYTES; at < out.length; at++) out[at]! ^= input[at - BLOCK_BYTES]!
    return out
  }
}

/** XORs the input into the mask, which becomes the result. */
function masked(mask: Buffer, input: Uint8Array): Uint8Array {
  for (let at = 0; at < input.length; at++) mask[at]! ^= input[at]!
  return mask.length === input.length ? mask : mask.subarray(0, input.length)
}

/** The initialization vector followed by the next counter values. */
function counters(iv: Uint8Array, count: number): Uint8Array {
  const blocks = scratch(count * BLOCK_BYTES)
  if (count > 0) blocks.set(iv)
  for (let start = BLOCK_BYTES; start < count * BLOCK_BYTES; start += BLOCK_BYTES) {
    for (let at = start; at < start + BLOCK_BYTES; at++) blocks[at] = blocks[at - BLOCK_BYTES]!
    let at = start + BLOCK_BYTES - 1
    while (at > start && blocks[at] === 255) blocks[at--] = 0
    blocks[at] = blocks[at]! + 1
  }
  return blocks.subarray(0, count * BLOCK_BYTES)
}
