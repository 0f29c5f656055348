/** Decodes an integer in two's complement. */
function unscaled(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return bytes.length > 0 && bytes[0]! >= 128 ? value - (1n << BigInt(bytes.length * 8)) : value
}

/** The bytes of a decimal as the fraction that the original prints: `201/50`, or `4` for an integer. */
export function rationalText(bytes: Uint8Array, scale: number): string {
  const value = unscaled(bytes)
  const denominator = 10n ** BigInt(scale)
  const common = gcd(value < 0n ? -value : value, denominator)
  return denominator === common ? String(value / common) : `${value / common}/${denominator / common}`
}

/** The bytes of a decimal given as a fraction or in decimal notation; undefined if it is neither. */
export function decimalBytes(text: string, scale: number): Uint8Array | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0', denominator = '1'] =
    /^(-?)(\d{1,400})(?:\.(\d{1,400}))?(?:[eE]([+-]?\d{1,3}))?(?:\/(\d{1,400}))?$/.exec(text) ?? []
  if (whole === '' || BigInt(denominator) === 0n) return undefined
  const shift = scale + Number(exponent) - fraction.length
  const digits = BigInt(whole + fraction)
  const numerator = (sign === '-' ? -digits : digits) * 10n ** BigInt(Math.max(0, shift))
  return signedBytes(floorDivide(numerator, BigInt(denominator) * 10n ** BigInt(Math.max(0, -shift))))
}

function floorDivide(left: bigint, right: bigint): bigint {
  const quotient = left / right
  return left % right !== 0n && left < 0n ? quotient - 1n : quotient
}

/** The shortest encoding in two's complement. */
function signedBytes(value: bigint): Uint8Array {
  let length = 1
  while (BigInt.asIntN(length * 8, value) !== value) length++
  return Uint8Array.from({ length }, (_, index) => Number((value >> BigInt((length - 1 - index) * 8)) & 255n))
}

/** Extends a number to exactly `size` bytes; undefined if it does not fit. */
export function sized(bytes: Uint8Array, size: number): Uint8Array | undefined {
  if (bytes.length > size) return undefined
  const result = new Uint8Array(size).fill(bytes.length > 0 && bytes[0]! >= 128 ? 255 : 0)
  result.set(bytes, size - bytes.length)
  return result
}

function gcd(left: bigint, right: bigint): bigint {
  return right === 0n ? left : gcd(right, left % right)
}
