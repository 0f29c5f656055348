/** A big-endian two's complement integer as a decimal number with `scale` digits behind the point. */
export function decimalText(bytes: Uint8Array, scale: number): string {
  const unsigned = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  const value = BigInt.asIntN(bytes.length * 8, unsigned)
  if (scale === 0) return value.toString()
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
