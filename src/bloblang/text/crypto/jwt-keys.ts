import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { MappingError } from '../../errors.ts'
import { decodePem } from './pem.ts'

/** The kinds of keys that sign tokens, besides shared secrets. */
export type KeyType = 'rsa' | 'ec'

/**
 * Parses a private key from PEM. Rejects invalid keys with the original's errors as far as those explain the problem.
 */
export function privateKey(type: KeyType, pem: string): KeyObject {
  const der = bytesOf(pem)
  const forms = type === 'rsa' ? (['pkcs1', 'pkcs8'] as const) : (['sec1', 'pkcs8'] as const)
  const key = firstOf(forms.map(form => () => createPrivateKey({ key: der, format: 'der', type: form })))
  return expectType(type, key ?? fail(structureProblem(der, 'pkcs8', 'int')), 'private')
}

/** Parses a public key from PEM, which may be a key or a certificate. */
export function publicKey(type: KeyType, pem: string): KeyObject {
  const der = bytesOf(pem)
  const key = firstOf([
    () => createPublicKey({ key: der, format: 'der', type: 'spki' }),
    () => new X509Certificate(der).publicKey,
    ...(type === 'rsa' ? [() => createPublicKey({ key: der, format: 'der', type: 'pkcs1' })] : []),
  ])
  const problem = () => (type === 'rsa' ? structureProblem(der, 'pkcs1PublicKey', '') : certificateProblem(der))
  return expectType(type, key ?? fail(problem()), 'public')
}

function bytesOf(pem: string): Buffer {
  return decodePem(pem) ?? fail('invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key')
}

function firstOf(attempts: readonly (() => KeyObject)[]): KeyObject | null {
  for (const attempt of attempts) {
    try {
      return attempt()
    } catch {
      // Another form may match; if none does, the structure tells what is wrong.
    }
  }
  return null
}

function expectType(type: KeyType, key: KeyObject, kind: 'private' | 'public'): KeyObject {
  return key.asymmetricKeyType === type
    ? key
    : fail(`key is not a valid ${type === 'rsa' ? 'RSA' : 'ECDSA'} ${kind} key`)
}

function fail(message: string): never {
  throw new MappingError(message)
}

function certificateProblem(der: Buffer): string {
  const outer = headerOf(der)
  const isWhole = outer !== null && outer.tag === SEQUENCE && outer.size + outer.length <= der.length
  return isWhole ? 'x509: malformed tbs certificate' : 'x509: malformed certificate'
}

/** The error for bytes that should be a sequence starting with an integer. */
function structureProblem(der: Buffer, name: string, field: string): string {
  if (der.length === 0) return 'asn1: syntax error: sequence truncated'
  const outer = headerOf(der)
  if (outer === null) return 'asn1: syntax error: truncated tag or length'
  if (outer.tag !== SEQUENCE) return mismatch(SEQUENCE, outer, name)
  if (outer.size + outer.length > der.length) return 'asn1: syntax error: data truncated'
  const inner = headerOf(der.subarray(outer.size, outer.size + outer.length))
  if (outer.length === 0 || inner === null) return 'asn1: syntax error: sequence truncated'
  return inner.tag === INTEGER ? 'asn1: structure error: not a known key' : mismatch(INTEGER, inner, field)
}

const SEQUENCE = 16
const INTEGER = 2

interface Header {
  readonly tagClass: number
  readonly tag: number
  readonly isCompound: boolean
  /** Length of the content. */
  readonly length: number
  /** Length of the header itself. */
  readonly size: number
}

function headerOf(der: Buffer): Header | null {
  if (der.length < 2) return null
  const first = der[0]!
  const count = der[1]! & 0x7f
  const isLong = der[1]! > 0x7f
  if (isLong && (count === 0 || count > 4 || der.length < 2 + count)) return null
  return {
    tagClass: first >> 6,
    tag: first & 0x1f,
    isCompound: (first & 0x20) !== 0,
    length: isLong ? der.readUIntBE(2, count) : count,
    size: isLong ? 2 + count : 2,
  }
}

function mismatch(expected: number, { tagClass, tag, length, isCompound, size }: Header, name: string): string {
  const found = `{class:${tagClass} tag:${tag} length:${length} isCompound:${isCompound}}`
  return `asn1: structure error: tags don't match (${expected} vs ${found}) ${PARAMETERS} ${name} @${size}`
}

const PARAMETERS =
  '{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false}'
