/** Blowfish as bcrypt uses it: a cipher whose tables are mixed with a key and a salt again and again. */
import { piFraction } from './pi.ts'

const ROUNDS = 16
const P_WORDS = ROUNDS + 2
const S_WORDS = 256

/** The tables of a cipher as far as keys were mixed into them. */
export class Blowfish {
  readonly #p: Int32Array
  /** The four boxes, one behind the other. */
  readonly #s: Int32Array

  constructor() {
    const words = piWords()
    this.#p = words.slice(0, P_WORDS)
    this.#s = words.slice(P_WORDS)
  }

  /** Mixes a key in, and encrypts the tables with themselves; of the salt two words go into each block, in turn. */
  expand(key: Int32Array, salt = NO_SALT): void {
    for (let at = 0; at < P_WORDS; at++) this.#p[at]! ^= key[at]!
    chain(this.#p, this.#p, this.#s, salt, 0, 0)
    chain(this.#s, this.#p, this.#s, salt, this.#p[P_WORDS - 2]!, this.#p[P_WORDS - 1]!)
  }

  /** Encrypts the words two by two, in place. */
  encrypt(words: Int32Array): void {
    for (let at = 0; at < words.length; at += 2)
      chain(words.subarray(at, at + 2), this.#p, this.#s, NO_SALT, words[at]!, words[at + 1]!)
  }
}

const NO_SALT = new Int32Array(4)

/**
 * Makes each two words of a table the encrypted form of the two before them, which for the first ones are given. This is all that
 * bcrypt takes its time for, and each round waits for the one before: nothing else may be done on the way, so the halves stay in
 * variables, and two rounds are a step, as the halves change places after each.
 */
function chain(
  table: Int32Array,
  p: Int32Array,
  s: Int32Array,
  salt: Int32Array,
  firstLeft: number,
  firstRight: number,
): void {
  let left = firstLeft
  let right = firstRight
  const s1 = s.subarray(S_WORDS, 2 * S_WORDS)
  const s2 = s.subarray(2 * S_WORDS, 3 * S_WORDS)
  const s3 = s.subarray(3 * S_WORDS)
  let turn = table === s ? P_WORDS & 3 : 0
  for (let at = 0; at < table.length; at += 2, turn ^= 2) {
    left ^= salt[turn]! ^ p[0]!
    right ^= salt[turn + 1]!
    for (let round = 1; round < ROUNDS; round += 2) {
      right ^= p[round]!
      right ^= ((s[left >>> 24]! + s1[(left >>> 16) & 255]!) ^ s2[(left >>> 8) & 255]!) + s3[left & 255]!
      left ^= p[round + 1]!
      left ^= ((s[right >>> 24]! + s1[(right >>> 16) & 255]!) ^ s2[(right >>> 8) & 255]!) + s3[right & 255]!
    }
    const swapped = right ^ p[ROUNDS + 1]!
    right = left
    left = swapped
    table[at] = left
    table[at + 1] = right
  }
}

let known: Int32Array | undefined

/** The tables at first: the digits of pi behind the point, in 32 bits each. */
function piWords(): Int32Array {
  if (known !== undefined) return known
  const count = P_WORDS + 4 * S_WORDS
  const digits = piFraction(count * 32)
    .toString(16)
    .padStart(count * 8, '0')
  known = Int32Array.from({ length: count }, (_, at) => Number.parseInt(digits.slice(at * 8, at * 8 + 8), 16) | 0)
  return known
}
