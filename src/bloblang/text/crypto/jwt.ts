/** JSON Web Tokens: signing and verification, with the original's error texts. */
import { parseJson, withFloats } from '../../json/parse.ts'
import { printJson } from '../../json/print.ts'
import { type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto'
import { MappingError } from '../../errors.ts'
import { Float, isObject, type Value, type ValueObject } from '../../value.ts'
import { utf8Bytes, utf8Text } from '../bytes.ts'
import { hmac, type HmacDigest } from './digest.ts'
import { type KeyType, privateKey, publicKey } from './jwt-keys.ts'
import { decodeBase64, encodeBase64 } from '../encodings.ts'

/** The signature algorithm as the header of a token names it (RFC 7518). */
export type JwtAlgorithm = `${'HS' | 'RS' | 'ES'}${'256' | '384' | '512'}`

const KNOWN = /^(?:(?:HS|RS|PS|ES)(?:256|384|512)|EdDSA|none)$/
const CURVES: Readonly<Record<string, { readonly name: string; readonly signatureBytes: number }>> = {
  ES256: { name: 'prime256v1', signatureBytes: 64 },
  ES384: { name: 'secp384r1', signatureBytes: 96 },
  ES512: { name: 'secp521r1', signatureBytes: 132 },
}

/** Returns a function that signs claims. Throws if the secret is not a key for the algorithm. */
export function jwtSigner(algorithm: JwtAlgorithm, secret: string): (claims: ValueObject) => string {
  const signBytes = signer(algorithm, secret)
  const header = segment(utf8Bytes(`{"alg":"${algorithm}","typ":"JWT"}`))
  return claims => {
    const signed = `${header}.${segment(utf8Bytes(printJson(claims, { escapeHtml: true })))}`
    return `${signed}.${segment(signBytes(Buffer.from(signed)))}`
  }
}

function segment(bytes: Uint8Array): string {
  return encodeBase64(bytes, 'rawurl')
}

function signer(algorithm: JwtAlgorithm, secret: string): (data: Uint8Array) => Uint8Array {
  const digest = `sha${algorithm.slice(2)}`
  if (algorithm.startsWith('HS')) {
    const key = utf8Bytes(secret)
    return hmac(digest as HmacDigest, key) // extracted from the name of an HMAC algorithm
  }
  let key: KeyObject
  try {
    key = privateKey(keyType(algorithm), secret)
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`failed to decode signing_secret: ${error.message}`)
    throw error
  }
  return data => {
    if (algorithm.startsWith('ES') && key.asymmetricKeyDetails?.namedCurve !== CURVES[algorithm]!.name) {
      throw new MappingError('failed to sign token: key is invalid')
    }
    return sign(digest, data, { key, dsaEncoding: 'ieee-p1363' })
  }
}

/** Returns a function that verifies a token and returns its claims. `now` returns nanoseconds since 1970. */
export function jwtParser(algorithm: JwtAlgorithm, secret: string, now: () => bigint): (token: string) => Value {
  const isSigned = verifier(algorithm, secret)
  return token => {
    try {
      return claimsOf(token, algorithm, isSigned, now)
    } catch (error) {
      if (error instanceof MappingError) throw new MappingError(`failed to parse JWT string: ${error.message}`)
      throw error
    }
  }
}

type Verifier = (data: Uint8Array, signature: Uint8Array) => boolean

function verifier(algorithm: JwtAlgorithm, secret: string): Verifier {
  const digest = `sha${algorithm.slice(2)}`
  if (algorithm.startsWith('HS')) {
    const key = utf8Bytes(secret)
    const expectedFor = hmac(digest as HmacDigest, key) // the digest of an HMAC algorithm
    return (data, signature) => {
      const expected = expectedFor(data)
      return expected.length === signature.length && timingSafeEqual(expected, signature)
    }
  }
  const key = publicKey(keyType(algorithm), secret)
  const length = CURVES[algorithm]?.signatureBytes
  return (data, signature) => {
    if (length !== undefined && signature.length !== length) return false
    return verify(digest, data, { key, dsaEncoding: 'ieee-p1363' }, signature)
  }
}

const FAILURES: Readonly<Record<string, string>> = {
  HS: 'signature is invalid',
  RS: 'crypto/rsa: verification error',
  ES: 'crypto/ecdsa: verification error',
}

function claimsOf(token: string, algorithm: JwtAlgorithm, isSigned: Verifier, now: () => bigint): Value {
  const parts = token.split('.')
  if (parts.length !== 3) throw new MappingError('token is malformed: token contains an invalid number of segments')
  const [headerText = '', claimText = '', signatureText = ''] = parts
  const headerBytes = decodeSegment(headerText, 'could not base64 decode header')
  const header = decodeJson(headerBytes, 'could not JSON decode header', 'map[string]interface {}')
  const claimBytes = decodeSegment(claimText, 'could not base64 decode claim')
  const claims = decodeJson(claimBytes, 'could not JSON decode claim', 'jwt.MapClaims')
  const alg = header !== null && Object.hasOwn(header, 'alg') ? header.alg : undefined
  if (typeof alg !== 'string') throw new MappingError('token is unverifiable: signing method (alg) is unspecified')
  if (!KNOWN.test(alg)) throw new MappingError('token is unverifiable: signing method (alg) is unavailable')
  const signature = decodeSegment(signatureText, 'could not base64 decode signature')
  if (alg !== algorithm) {
    const why = `error while executing keyfunc: incorrect signing method: ${alg}`
    throw new MappingError(`token is unverifiable: ${why}`)
  }
  if (!isSigned(utf8Bytes(token.slice(0, headerText.length + 1 + claimText.length)), signature)) {
    throw new MappingError(`token signature is invalid: ${FAILURES[algorithm.slice(0, 2)]}`)
  }
  if (claims !== null) checkTimes(claims, Number(now()) / 1e9)
  return claims ?? {}
}

function decodeSegment(text: string, what: string): Uint8Array {
  try {
    return decodeBase64(text, 'rawurl')
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`token is malformed: ${what}: ${error.message}`)
    throw error
  }
}

function decodeJson(bytes: Uint8Array, what: string, goType: string): ValueObject | null {
  try {
    const value = withFloats(parseJson(utf8Text(bytes)))
    if (value === null || isObject(value)) return value
    const kind = Array.isArray(value)
      ? 'array'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value === 'string'
          ? 'string'
          : 'number'
    throw new MappingError(`json: cannot unmarshal ${kind} into Go value of type ${goType}`)
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`token is malformed: ${what}: ${error.message}`)
    throw error
  }
}

/**
 * `exp` and `nbf` are enforced although the method's documentation says that claims are not validated: the original
 * does the same.
 */
function checkTimes(claims: ValueObject, nowSeconds: number): void {
  const failures: string[] = []
  const read = (name: string): number | undefined => {
    if (!Object.hasOwn(claims, name)) return undefined
    const value = claims[name]!
    if (value instanceof Float) return value.value === 0 ? undefined : Math.trunc(value.value)
    failures.push(`invalid type for claim: ${name} is invalid`)
    return undefined
  }
  const expires = read('exp')
  if (expires !== undefined && nowSeconds >= expires) failures.push('token is expired')
  const notBefore = read('nbf')
  if (notBefore !== undefined && nowSeconds < notBefore) failures.push('token is not valid yet')
  if (failures.length > 0) throw new MappingError(`token has invalid claims: ${failures.join(', ')}`)
}

function keyType(algorithm: JwtAlgorithm): KeyType {
  return algorithm.startsWith('RS') ? 'rsa' : 'ec'
}
