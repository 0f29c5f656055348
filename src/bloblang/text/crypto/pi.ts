/** A term of the Chudnovsky brothers' series adds 47 bits. */
const BITS_PER_TERM = 47
const GUARD_BITS = 64n

/** The binary digits of pi behind the point, that many, as an integer: the numbers that ciphers begin with as constants that were not chosen for a purpose. */
export function piFraction(bitCount: number): bigint {
  const bits = BigInt(bitCount) + GUARD_BITS
  const { q, t } = terms(0, Math.ceil(Number(bits) / BITS_PER_TERM) + 1)
  const pi = (426_880n * squareRoot(10_005n << (2n * bits)) * q) / (13_591_409n * q + t)
  return BigInt.asUintN(bitCount, pi >> GUARD_BITS)
}

/** The product of the terms' numerators, that of their denominators, and their sum over that: of halves, so that numbers are alike. */
function terms(from: number, end: number): { readonly p: bigint; readonly q: bigint; readonly t: bigint } {
  if (end - from === 1) {
    const n = BigInt(end)
    const p = -(6n * n - 5n) * (2n * n - 1n) * (6n * n - 1n)
    return { p, q: 10_939_058_860_032_000n * n ** 3n, t: p * (545_140_134n * n + 13_591_409n) }
  }
  const middle = (from + end) >> 1
  const left = terms(from, middle)
  const right = terms(middle, end)
  return { p: left.p * right.p, q: left.q * right.q, t: right.q * left.t + left.p * right.t }
}

/** Rounded down. */
function squareRoot(value: bigint): bigint {
  let root = 1n << BigInt(value.toString(16).length * 2 + 1)
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}
