/** Decimal numbers of any size: an integer and the number of its digits after the point. */
import { formatDigits } from './go-float.ts'

/** A big-endian integer in two's complement; no bytes mean zero. */
export function signedInteger(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${Buffer.from(bytes).toString('hex')}`))
}

/** All digits, including trailing zeros: `12.50`. */
export function plainDecimal(whole: bigint, scale: number): string {
  if (scale === 0) return whole.toString()
  const digits = (whole < 0n ? -whole : whole).toString().padStart(scale + 1, '0')
  return `${whole < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** The form of Go's `%v` for floats: without trailing zeros, with an exponent below 1e-4 and from 1e6 on. */
export function shortestDecimal(whole: bigint, scale: number): string {
  if (whole === 0n) return '0'
  const digits = String(whole < 0n ? -whole : whole)
  return (whole < 0n ? '-' : '') + formatDigits(digits.replace(/0+$/, ''), digits.length - scale)
}
