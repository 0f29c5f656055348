import { MappingError } from '../../errors.ts'
import { quoteTime } from './parse.ts'

const UNIT_NANOS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
const LIMIT = 2n ** 63n

/**
 * Parses a duration in Go's syntax to nanoseconds: `1h30m`, `-1.5s`, `0`. Throws the errors of `time.ParseDuration`.
 */
export function parseDuration(text: string): bigint {
  const usual = parseUsual(text)
  if (usual !== null) return usual
  const invalid = () => new MappingError(`time: invalid duration ${quoteTime(text)}`)
  const negative = text.startsWith('-')
  let rest = text.replace(/^[-+]/, '')
  if (rest === '0') return 0n
  if (rest === '') throw invalid()
  let total = 0n
  while (rest !== '') {
    const [, whole = '', fraction, unit = ''] = /^(\d*)(?:\.(\d*))?([^.\d]*)/s.exec(rest)!
    if (whole === '' && (fraction ?? '') === '') throw invalid()
    if (BigInt(whole || '0') > LIMIT) throw invalid()
    if (unit === '') throw new MappingError(`time: missing unit in duration ${quoteTime(text)}`)
    if (!Object.hasOwn(UNIT_NANOS, unit)) {
      throw new MappingError(`time: unknown unit ${quoteTime(unit)} in duration ${quoteTime(text)}`)
    }
    const nanos = UNIT_NANOS[unit]!
    const amount = BigInt(whole || '0') * nanos
    if (amount > LIMIT) throw invalid()
    total += amount + fractionNanos(fraction ?? '', nanos)
    if (total > LIMIT) throw invalid()
    rest = rest.slice(/^\d*(?:\.\d*)?/.exec(rest)![0].length + unit.length)
  }
  if (!negative && total === LIMIT) throw invalid()
  return negative ? -total : total
}

const USUAL = /^-?(?:\d{1,6}(?:\.\d{1,9})?(?:h|ms|m|s))+$/
const USUAL_PART = /(\d+)(?:\.(\d+))?(h|ms|m|s)/g
const USUAL_NANOS: Readonly<Record<string, number>> = { h: 3.6e12, m: 6e10, s: 1e9, ms: 1e6 }

/** Parses the common form, using floats as long as they are exact; null for the general case. */
function parseUsual(text: string): bigint | null {
  if (!USUAL.test(text)) return null
  let total = 0
  for (const [, whole, fraction, unit] of text.matchAll(USUAL_PART)) {
    const nanos = USUAL_NANOS[unit!]!
    total += Number(whole) * nanos
    if (fraction !== undefined) total += Math.trunc(Number(fraction) * (nanos / 10 ** fraction.length))
  }
  if (total > Number.MAX_SAFE_INTEGER) return null
  return BigInt(text.startsWith('-') ? -total : total)
}

/** Computed in floats, as in Go; digits that do not fit into 63 bits are dropped. */
function fractionNanos(digits: string, unitNanos: bigint): bigint {
  let kept = 0n
  let scale = 1
  for (const digit of digits) {
    if (kept > (LIMIT - 1n) / 10n) break
    const next = kept * 10n + BigInt(digit)
    if (next > LIMIT) break
    kept = next
    scale *= 10
  }
  return BigInt(Math.trunc(Number(kept) * (Number(unitNanos) / scale)))
}
