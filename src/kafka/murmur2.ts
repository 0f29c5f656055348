/** Kafka's 32-bit hash of keys, with its seed; signed, as in Java. The lower 31 bits determine a key's partition. */
export function murmur2(data: Buffer): number {
  const factor = 0x5bd1e995
  const { length } = data
  let hash = 0x9747b28c ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    let word = Math.imul(data.readInt32LE(at), factor)
    word ^= word >>> 24
    hash = Math.imul(hash, factor) ^ Math.imul(word, factor)
  }
  if (length - at >= 3) hash ^= data[at + 2]! << 16
  if (length - at >= 2) hash ^= data[at + 1]! << 8
  if (length - at >= 1) hash = Math.imul(hash ^ data[at]!, factor)
  hash ^= hash >>> 13
  hash = Math.imul(hash, factor)
  return hash ^ (hash >>> 15)
}
