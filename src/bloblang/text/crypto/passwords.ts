/** Comparison of secrets with bcrypt and Argon2 hashes. */
import { argon2Sync, timingSafeEqual } from 'node:crypto'
import { hashSync } from 'bcryptjs'
import { MappingError } from '../../errors.ts'
import { utf8Bytes } from '../bytes.ts'
import { decodeBase64 } from '../encodings.ts'
import { quote } from '../quote.ts'

const BCRYPT_SALT_CHARACTERS = 22
const BCRYPT_HASH_CHARACTERS = 31
const NO_BCRYPT_DIGIT = /[^./A-Za-z0-9]/
const MIN_ARGON2_KEY_BYTES = 4
const MIN_ARGON2_SALT_BYTES = 8
/** The maximum memory of a hash in KiB; a higher value indicates an attack. */
const MAX_ARGON2_MEMORY = 4 * 1024 * 1024
/** Higher costs take minutes and block the thread. */
const MAX_ARGON2_PASSES = 10_000
const MAX_BCRYPT_COST = 20

/** Whether `secret` matches the hash. Throws the original's errors for an invalid hash. */
export function compareBcrypt(secret: string, hash: string): boolean {
  const cost = bcryptCost(hash)
  const behindCost = hash.slice(hash[2] === '$' ? 6 : 7)
  const salt = behindCost.slice(0, BCRYPT_SALT_CHARACTERS)
  const wrong = salt.search(NO_BCRYPT_DIGIT)
  if (wrong >= 0) throw new MappingError(`illegal base64 data at input byte ${wrong}`)
  const expected = utf8Bytes(behindCost.slice(BCRYPT_SALT_CHARACTERS).slice(0, BCRYPT_HASH_CHARACTERS))
  const hashed = hashSync(secret, `$2b$${String(cost).padStart(2, '0')}$${salt}`)
  const found = utf8Bytes(hashed.slice(-BCRYPT_HASH_CHARACTERS))
  return expected.length === found.length && timingSafeEqual(expected, found)
}

/** Throws if it is not a bcrypt hash. */
function bcryptCost(hash: string): number {
  const length = utf8Bytes(hash).length
  if (length < 59) throw new MappingError('crypto/bcrypt: hashedSecret too short to be a bcrypted password')
  if (hash[0] !== '$') {
    throw new MappingError(
      `crypto/bcrypt: bcrypt hashes must start with '$', but hashedSecret started with '${hash[0]}'`,
    )
  }
  if (hash[1]! > '2') {
    throw new MappingError(
      `crypto/bcrypt: bcrypt algorithm version '${hash[1]}' requested is newer than current version '2'`,
    )
  }
  const cost = hash.slice(hash[2] === '$' ? 3 : 4).slice(0, 2)
  if (!/^[+-]?[0-9]+$/.test(cost)) throw new MappingError(`strconv.Atoi: parsing ${quote(cost)}: invalid syntax`)
  const value = Number(cost)
  if (value < 4 || value > 31) {
    throw new MappingError(`crypto/bcrypt: cost ${value} is outside allowed inclusive range 4..31`)
  }
  if (value > MAX_BCRYPT_COST) throw new MappingError(`crypto/bcrypt: cost ${value} is too much`)
  return value
}

/** Whether `secret` matches the hash. Throws for an invalid hash; an empty secret never matches. */
export function compareArgon2(secret: string, hash: string): boolean {
  const message = utf8Bytes(secret)
  if (message.length === 0) return false
  const { algorithm, salt, key, memory, passes, parallelism } = parseArgon2(hash)
  // The original's library rejects fewer than one pass and accepts any secret for an empty key.
  if (passes < 1) throw new MappingError('argon2: number of rounds too small')
  if (parallelism < 1) throw new MappingError('argon2: parallelism degree too low')
  if (memory > MAX_ARGON2_MEMORY) throw new MappingError(`invalid argon2 hash: memory of ${memory} KiB is too much`)
  if (passes > MAX_ARGON2_PASSES) throw new MappingError(`invalid argon2 hash: ${passes} passes are too many`)
  if (key.length === 0) return true
  // Keys and salts too short for Node's library do not occur in practice.
  if (key.length < MIN_ARGON2_KEY_BYTES || salt.length < MIN_ARGON2_SALT_BYTES) return false
  const parameters = {
    message,
    nonce: salt,
    parallelism,
    tagLength: key.length,
    memory: Math.max(memory, 8 * parallelism),
    passes,
  }
  return timingSafeEqual(argon2Sync(algorithm, parameters), key)
}

function parseArgon2(hash: string) {
  const parts = hash.split('$')
  if (parts.length !== 6) throw invalidArgon2()
  const [, algorithm, version = '', parameters = '', saltText = '', keyText = ''] = parts
  if (algorithm !== 'argon2i' && algorithm !== 'argon2id') throw invalidArgon2('unrecognised argon2 format')
  if (!/^v=\S/.test(version)) throw invalidArgon2('failed to parse version; input does not match format')
  const numbers = /^m=([+-]?\d+),t=([+-]?\d+),p=([+-]?\d+)(.*)$/s.exec(parameters)
  if (numbers === null) throw invalidArgon2(`failed to parse parameters; ${parametersFault(parameters)}`)
  if (numbers[4] !== '') throw invalidArgon2('excess characters in parameters segment')
  return {
    algorithm: algorithm as 'argon2i' | 'argon2id', // narrowed above, but not within an object
    memory: Number(numbers[1]),
    passes: Number(numbers[2]),
    parallelism: Number(numbers[3]),
    salt: rawBase64(saltText, 'failed to parse base64 salt'),
    key: rawBase64(keyText, 'failed to parse base64 key'),
  }
}

function parametersFault(parameters: string): string {
  const rest = parameters.replace(/^m=[+-]?\d*(?:(?<=\d),t=[+-]?\d*(?:(?<=\d),p=[+-]?\d*)?)?/, '')
  return /^(?:m=|.*,[tp]=)[+-]?(?!\d)/.test(parameters) && rest !== parameters
    ? 'expected integer'
    : 'input does not match format'
}

function rawBase64(text: string, what: string): Uint8Array {
  try {
    return decodeBase64(utf8Bytes(text), 'rawstd')
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`invalid argon2 hash: ${what}; ${error.message}`)
    throw error
  }
}

function invalidArgon2(why?: string): MappingError {
  return new MappingError(`invalid argon2 hash${why === undefined ? '' : `: ${why}`}`)
}
