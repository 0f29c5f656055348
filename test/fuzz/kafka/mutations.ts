import { pick, type Random, randomBytes } from './requests.ts'

/** Where a request's body begins at the earliest: after API key, version and correlation id. */
const headerBytes = 8
const numbers = [0, -1, 1, 127, 128, 255, 256, 32_767, -32_768, 65_535, 2 ** 31 - 1, -(2 ** 31), 1_000_000]

/** Damages a request. The result may still be well-formed. */
export function mutate(frame: Buffer, other: Buffer, random: Random): Buffer {
  let bytes = frame
  const times = 1 + Math.floor(random() ** 2 * 5)
  for (let time = 0; time < times; time++) bytes = pick(random, mutations)(bytes, other, random)
  return bytes
}

type Mutation = (bytes: Buffer, other: Buffer, random: Random) => Buffer

const mutations: readonly Mutation[] = [
  flipBits,
  flipBits,
  overwriteNumber,
  overwriteNumber,
  overwriteByte,
  truncate,
  extend,
  insert,
  addTags,
  addVarint,
  splice,
  repeat,
  changeVersion,
]

const positionIn = (bytes: Buffer, random: Random) =>
  Math.min(bytes.length, headerBytes + Math.floor(random() * Math.max(0, bytes.length - headerBytes)))

function flipBits(bytes: Buffer, _: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes)
  const at = positionIn(bytes, random)
  if (at < changed.length) changed[at]! ^= 1 << Math.floor(random() * 8)
  return changed
}

function overwriteByte(bytes: Buffer, _: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes)
  const at = positionIn(bytes, random)
  if (at < changed.length) changed[at] = Math.floor(random() * 256)
  return changed
}

/** Lengths, counts, ids: a plausible but wrong number of two or four bytes. */
function overwriteNumber(bytes: Buffer, _: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes)
  const at = positionIn(bytes, random)
  const size = random() < 0.5 ? 2 : 4
  if (at + size > changed.length) return changed
  const value = pick(random, numbers)
  if (size === 2) changed.writeUInt16BE(value & 0xffff, at)
  else changed.writeInt32BE(value | 0, at)
  return changed
}

function truncate(bytes: Buffer, _: Buffer, random: Random): Buffer {
  return bytes.subarray(0, positionIn(bytes, random))
}

function extend(bytes: Buffer, _: Buffer, random: Random): Buffer {
  return Buffer.concat([bytes, randomBytes(random, 1 + Math.floor(random() * 16))])
}

function insertAt(bytes: Buffer, inserted: Buffer, random: Random): Buffer {
  const at = positionIn(bytes, random)
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)])
}

function insert(bytes: Buffer, _: Buffer, random: Random): Buffer {
  return insertAt(bytes, randomBytes(random, 1 + Math.floor(random() * 6)), random)
}

/** Tagged fields: how many, and for each its tag, its size and as many bytes, or not. */
function addTags(bytes: Buffer, _: Buffer, random: Random): Buffer {
  const size = Math.floor(random() * 5)
  const told = random() < 0.7 ? size : Math.floor(random() * 256)
  const tags = Buffer.from([1 + Math.floor(random() * 2), Math.floor(random() * 4), told])
  return insertAt(bytes, Buffer.concat([tags, randomBytes(random, size)]), random)
}

/** A varint of up to ten bytes, more than any length needs. */
function addVarint(bytes: Buffer, _: Buffer, random: Random): Buffer {
  const length = 1 + Math.floor(random() * 10)
  const varint = randomBytes(random, length).map((byte, index) => (index < length - 1 ? byte | 0x80 : byte & 0x7f))
  return insertAt(bytes, Buffer.from(varint), random)
}

/** The beginning of one request and the end of another. */
function splice(bytes: Buffer, other: Buffer, random: Random): Buffer {
  return Buffer.concat([bytes.subarray(0, positionIn(bytes, random)), other.subarray(positionIn(other, random))])
}

/** A part of the request twice or more, as in an array. */
function repeat(bytes: Buffer, _: Buffer, random: Random): Buffer {
  const from = positionIn(bytes, random)
  const part = bytes.subarray(from, from + 1 + Math.floor(random() * 32))
  const times = random() < 0.9 ? 1 + Math.floor(random() * 4) : 500
  return Buffer.concat([bytes.subarray(0, from), ...Array.from({ length: times }, () => part), bytes.subarray(from)])
}

function changeVersion(bytes: Buffer, _: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes)
  if (changed.length >= 4) changed.writeInt16BE(Math.floor(random() * 20) - 1, 2)
  return changed
}
