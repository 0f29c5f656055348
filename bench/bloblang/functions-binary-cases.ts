/** Encoding, hashing, compression and encryption. */
import { createCipheriv, type CipherGCM } from 'node:crypto'
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { compileMapping } from '../../src/bloblang/index.ts'
import { systemHost } from '../../src/host/index.ts'
import { c, type FunctionCase, sentence, text } from './functions-samples.ts'

export function binaryCases(): readonly FunctionCase[] {
  return [...encodings(), ...hashes(), ...compression(), ...encryption()]
}

function encodings(): readonly FunctionCase[] {
  const aligned = (n: number) => ({ v: sentence(n).slice(0, 64).padEnd(64) })
  const encoded = (scheme: BufferEncoding) => (n: number) => ({ v: Buffer.from(sentence(n)).toString(scheme) })
  return [
    c('encode', 'this.v.encode("base64")'),
    ...['base64url', 'hex', 'ascii85', 'z85'].map(name => c(`encode ${name}`, `this.v.encode("${name}")`, aligned)),
    c('decode', 'this.v.decode("base64").string()', encoded('base64')),
    c('decode base64rawurl', 'this.v.decode("base64rawurl").string()', encoded('base64url')),
    c('decode hex', 'this.v.decode("hex").string()', encoded('hex')),
    ...['ascii85', 'z85'].map(name =>
      c(`decode ${name}`, `this.v.decode("${name}").string()`, n => ({
        v: mapped(`root = this.v.encode("${name}")`, aligned(n)).toString(),
      })),
    ),
  ]
}

function hashes(): readonly FunctionCase[] {
  const keyed = ['hmac_sha1', 'hmac_sha256', 'hmac_sha512']
  return [
    c('hash', 'this.v.hash("sha256").encode("hex")'),
    ...['md5', 'sha1', 'sha512', 'crc32'].map(name => c(`hash ${name}`, `this.v.hash("${name}").encode("hex")`)),
    c('hash crc32 Castagnoli', 'this.v.hash(algorithm: "crc32", polynomial: "Castagnoli").encode("hex")'),
    ...['xxhash64', 'fnv32'].map(name => c(`hash ${name}`, `this.v.hash("${name}")`)),
    ...keyed.map(name => c(`hash ${name}`, `this.v.hash("${name}", "key").encode("hex")`)),
  ]
}

function compression(): readonly FunctionCase[] {
  const varies = { varies: true } as const
  const decompress = (name: string, algorithm: string, compressed: (n: number) => Buffer) =>
    c(name, `this.v.decode("base64").decompress("${algorithm}").string()`, n => ({
      v: compressed(n).toString('base64'),
    }))
  return [
    c('compress', 'this.v.compress("gzip").length()', text, varies),
    ...['zlib', 'flate', 'zstd'].map(name =>
      c(`compress ${name}`, `this.v.compress("${name}").length()`, text, varies),
    ),
    ...['snappy', 'lz4'].map(name => c(`compress ${name}`, `this.v.compress("${name}").encode("base64")`)),
    decompress('decompress', 'gzip', n => gzipSync(sentence(n))),
    decompress('decompress zlib', 'zlib', n => deflateSync(sentence(n))),
    decompress('decompress flate', 'flate', n => deflateRawSync(sentence(n))),
    decompress('decompress zstd', 'zstd', n => zstdCompressSync(sentence(n))),
    ...['snappy', 'lz4'].map(name =>
      decompress(`decompress ${name}`, name, n => mapped(`root = this.v.compress("${name}")`, { v: sentence(n) })),
    ),
    decompress('decompress bzip2', 'bzip2', n => Buffer.from(BZIP2[n % BZIP2.length]!, 'base64')),
  ]
}

/** The mapping's result for a document. */
function mapped(mapping: string, document: { readonly v: string }): Buffer {
  // The benchmark's mappings return bytes.
  return Buffer.from(compileMapping(mapping, { host: systemHost }).mapping!.apply(document) as Uint8Array)
}

/** Nothing here compresses to bzip2, so these are sentences compressed by the bzip2 program. */
const BZIP2 = [
  'QlpoOTFBWSZTWSUiiq8AAAaRgEAAP//eACAAVFPU0NNDQMhFP9JJtR6g09TRWBy8JFZ8gt1M01kXUVLxILkbOyMLR+21OsTiTNl30h3iBZCE6g/i7kinChIEpFFV4A==',
  'QlpoOTFBWSZTWdsaTGcAABIRgEAAP/XeACAASEqNqmNAmnqYSo0aABk4bVUCI9Jmhxypgm1h/hYPGgY2gfkCEckMbHUyKWEEiM5Q+LuSKcKEhtjSYzg=',
  'QlpoOTFBWSZTWQZXc68AAAaRgEAAP//egCAAVFNNGjI0NDQap+iCb1JoPQm4HpkeSI06k+EoE2qzWrNfKlrktxqg8cdC5ZgebJ3HlN7XjIHEQJCOnxdyRThQkAZXc68=',
  'QlpoOTFBWSZTWWykvJcAABGRgEAAP/XeACAASEqaaDQBoEqNDQAZMnEFoLB9iZGGJl0I2bopcnFyhoUGc6SckMbHFNULIIIgzqfF3JFOFCQbKS8lwA==',
]

function encryption(): readonly FunctionCase[] {
  return (['ctr', 'cbc', 'ofb', 'gcm'] as const).flatMap(scheme => {
    const name = scheme === 'ctr' ? '' : ` ${scheme}`
    const iv = scheme === 'gcm' ? NONCE : IV
    const prefix = `let key = "${KEY}".decode("hex")\nlet iv = "${iv}".decode("hex")`
    // Whole blocks, as `cbc` requires.
    const plain = (n: number) => sentence(n).slice(0, 64).padEnd(64)
    const encrypted = (n: number) => {
      const cipher = createCipheriv(`aes-128-${scheme}`, Buffer.from(KEY, 'hex'), Buffer.from(iv, 'hex'))
      if (scheme === 'cbc') cipher.setAutoPadding(false)
      const parts = [cipher.update(plain(n)), cipher.final()]
      // A cipher in GCM mode.
      return Buffer.concat(scheme === 'gcm' ? [...parts, (cipher as CipherGCM).getAuthTag()] : parts)
    }
    const encrypt = `this.v.encrypt_aes("${scheme}", $key, $iv).encode("hex")`
    const decrypt = `this.v.decode("hex").decrypt_aes("${scheme}", $key, $iv).string()`
    return [
      c(`encrypt_aes${name}`, encrypt, n => ({ v: plain(n) }), { prefix }),
      c(`decrypt_aes${name}`, decrypt, n => ({ v: encrypted(n).toString('hex') }), { prefix }),
      ...(scheme === 'ctr'
        ? [c('decrypt_aes to no text', decrypt, n => ({ v: Buffer.from(sentence(n)).toString('hex') }), { prefix })]
        : []),
    ]
  })
}

const KEY = '2b7e151628aed2a6abf7158809cf4f3c'
const IV = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'
const NONCE = IV.slice(0, 24)
