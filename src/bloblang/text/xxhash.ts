/** xxHash with 64 and 32 bits, seed 0. */
import { littleEndian32, productHigh } from './words.ts'

/** The primes for 64 bits, each as its high and low half. */
const P1_HIGH = 0x9e3779b1 | 0
const P1_LOW = 0x85ebca87 | 0
const P2_HIGH = 0xc2b2ae3d | 0
const P2_LOW = 0x27d4eb4f | 0
const P3_HIGH = 0x165667b1 | 0
const P3_LOW = 0x9e3779f9 | 0
const P4_HIGH = 0x85ebca77 | 0
const P4_LOW = 0xc2b2ae63 | 0
const P5_HIGH = 0x27d4eb2f | 0
const P5_LOW = 0x165667c5 | 0

const STRIPE_BYTES = 32
/** The state of the four lanes, each as its high and low half. */
const lanes = new Int32Array(8)
const ROTATIONS = [1, 7, 12, 18] as const

/**
 * xxHash, 64 bits, seed 0. All numbers are halves in separate variables: objects of two halves take twice as long,
 * bigints, which each step allocates anew, eight times.
 */
export function xxhash64(bytes: Uint8Array): bigint {
  const { length } = bytes
  let high = P5_HIGH
  let low = P5_LOW
  let at = 0
  if (length >= STRIPE_BYTES) {
    at = length - (length % STRIPE_BYTES)
    mixStripes(bytes, at)
    high = low = 0
    for (let lane = 0; lane < 4; lane++) {
      const bits = ROTATIONS[lane]!
      const turnedLow = rotated(lanes[2 * lane + 1]!, lanes[2 * lane]!, bits)
      low = (low + turnedLow) | 0
      high = (high + rotated(lanes[2 * lane]!, lanes[2 * lane + 1]!, bits) + carry(low, turnedLow)) | 0
    }
    for (let lane = 0; lane < 8; lane += 2) {
      setPart(lanes[lane]!, lanes[lane + 1]!)
      const mixedHigh = high ^ part[0]!
      const mixedLow = low ^ part[1]!
      low = (Math.imul(mixedLow, P1_LOW) + P4_LOW) | 0
      high = (productHigh(mixedHigh, mixedLow, P1_HIGH, P1_LOW) + P4_HIGH + carry(low, P4_LOW)) | 0
    }
  }
  low = (low + length) | 0
  high = (high + carry(low, length)) | 0
  for (; at + 8 <= length; at += 8) {
    setPart(littleEndian32(bytes, at + 4), littleEndian32(bytes, at))
    const mixedHigh = high ^ part[0]!
    const mixedLow = low ^ part[1]!
    const turnedHigh = rotated(mixedHigh, mixedLow, 27)
    const turnedLow = rotated(mixedLow, mixedHigh, 27)
    low = (Math.imul(turnedLow, P1_LOW) + P4_LOW) | 0
    high = (productHigh(turnedHigh, turnedLow, P1_HIGH, P1_LOW) + P4_HIGH + carry(low, P4_LOW)) | 0
  }
  if (at + 4 <= length) {
    const word = littleEndian32(bytes, at)
    const mixedHigh = high ^ productHigh(0, word, P1_HIGH, P1_LOW)
    const mixedLow = low ^ Math.imul(word, P1_LOW)
    const turnedHigh = rotated(mixedHigh, mixedLow, 23)
    const turnedLow = rotated(mixedLow, mixedHigh, 23)
    low = (Math.imul(turnedLow, P2_LOW) + P3_LOW) | 0
    high = (productHigh(turnedHigh, turnedLow, P2_HIGH, P2_LOW) + P3_HIGH + carry(low, P3_LOW)) | 0
    at += 4
  }
  for (; at < length; at++) {
    const byte = bytes[at]!
    const mixedHigh = high ^ productHigh(0, byte, P5_HIGH, P5_LOW)
    const mixedLow = low ^ Math.imul(byte, P5_LOW)
    const turnedLow = rotated(mixedLow, mixedHigh, 11)
    high = productHigh(rotated(mixedHigh, mixedLow, 11), turnedLow, P1_HIGH, P1_LOW)
    low = Math.imul(turnedLow, P1_LOW)
  }
  return avalanche(high, low)
}

/** Processes all whole stripes of 32 bytes, lane by lane. */
function mixStripes(bytes: Uint8Array, end: number): void {
  mixLane(bytes, 0, end, (P1_HIGH + P2_HIGH) | 0, (P1_LOW + P2_LOW) | 0)
  mixLane(bytes, 1, end, P2_HIGH, P2_LOW)
  mixLane(bytes, 2, end, 0, 0)
  mixLane(bytes, 3, end, ~P1_HIGH, -P1_LOW | 0)
}

function mixLane(bytes: Uint8Array, lane: number, end: number, startHigh: number, startLow: number): void {
  let high = startHigh
  let low = startLow
  for (let at = 8 * lane; at < end; at += STRIPE_BYTES) {
    const inputHigh = littleEndian32(bytes, at + 4)
    const inputLow = littleEndian32(bytes, at)
    const product = Math.imul(inputLow, P2_LOW)
    const sumLow = (low + product) | 0
    const sumHigh = (high + productHigh(inputHigh, inputLow, P2_HIGH, P2_LOW) + carry(sumLow, product)) | 0
    const turnedLow = rotated(sumLow, sumHigh, 31)
    high = productHigh(rotated(sumHigh, sumLow, 31), turnedLow, P1_HIGH, P1_LOW)
    low = Math.imul(turnedLow, P1_LOW)
  }
  lanes[2 * lane] = high
  lanes[2 * lane + 1] = low
}

/** The high and low half of a result. */
const part = new Int32Array(2)

/** The result of a lane with initial value zero for one input. */
function setPart(high: number, low: number): void {
  const productTop = productHigh(high, low, P2_HIGH, P2_LOW)
  const product = Math.imul(low, P2_LOW)
  const turnedLow = rotated(product, productTop, 31)
  part[0] = productHigh(rotated(productTop, product, 31), turnedLow, P1_HIGH, P1_LOW)
  part[1] = Math.imul(turnedLow, P1_LOW)
}

function avalanche(high: number, low: number): bigint {
  const firstLow = low ^ (high >>> 1)
  const secondHigh = productHigh(high, firstLow, P2_HIGH, P2_LOW)
  const secondLow = Math.imul(firstLow, P2_LOW)
  const thirdLow = secondLow ^ rotated(secondHigh, secondLow, 3)
  const lastHigh = productHigh(secondHigh ^ (secondHigh >>> 29), thirdLow, P3_HIGH, P3_LOW)
  const lastLow = Math.imul(thirdLow, P3_LOW) ^ lastHigh
  return (BigInt(lastHigh >>> 0) << 32n) | BigInt(lastLow >>> 0)
}

/** The high half of a 64-bit number rotated left by less than 32 bits; with swapped halves, the low half. */
function rotated(high: number, low: number, bits: number): number {
  return (high << bits) | (low >>> (32 - bits))
}

/** The carry of a sum of low halves, derived from one of its operands. */
function carry(sum: number, part: number): number {
  return sum >>> 0 < part >>> 0 ? 1 : 0
}

const Q1 = 0x9e3779b1 | 0
const Q2 = 0x85ebca77 | 0
const Q3 = 0xc2b2ae3d | 0
const Q4 = 0x27d4eb2f | 0
const Q5 = 0x165667b1 | 0

/** xxHash, 32 bits, seed 0, of the bytes from `start` up to but excluding `end`: the checksum of LZ4 frames. */
export function xxhash32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let at = start
  let hash = Q5
  if (end - start >= 16) {
    let a = (Q1 + Q2) | 0
    let b = Q2 | 0
    let c = 0
    let d = -Q1 | 0
    for (; at + 16 <= end; at += 16) {
      a = round32(a, littleEndian32(bytes, at))
      b = round32(b, littleEndian32(bytes, at + 4))
      c = round32(c, littleEndian32(bytes, at + 8))
      d = round32(d, littleEndian32(bytes, at + 12))
    }
    hash = rotate32(a, 1) + rotate32(b, 7) + rotate32(c, 12) + rotate32(d, 18)
  }
  hash = (hash + end - start) | 0
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(rotate32((hash + Math.imul(littleEndian32(bytes, at), Q3)) | 0, 17), Q4)
  }
  for (; at < end; at++) hash = Math.imul(rotate32((hash + Math.imul(bytes[at]!, Q5)) | 0, 11), Q1)
  hash = Math.imul(hash ^ (hash >>> 15), Q2)
  hash = Math.imul(hash ^ (hash >>> 13), Q3)
  return (hash ^ (hash >>> 16)) >>> 0
}

function round32(lane: number, input: number): number {
  return Math.imul(rotate32((lane + Math.imul(input, Q2)) | 0, 13), Q1)
}

function rotate32(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
