import { Timestamp } from '../../bloblang/index.ts'

const pattern =
  /^(?:(\d{4,})-(\d\d)-(\d\d))?[ T]?(?:(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?)?(?:([+-])(\d\d)(?::?(\d\d))?(?::?(\d\d))?)?( BC)?$/

/**
 * Parses a `timestamp`, `timestamptz`, `date`, `time` or `timetz` as printed by PostgreSQL, keeping its offset. A time
 * of day is in the year 0. Undefined for `infinity` and for years outside the range of timestamps.
 */
export function postgresTime(text: string): Timestamp | undefined {
  const match = pattern.exec(text)
  if (match === null || match[12] !== undefined) return undefined
  const [, year, month, day, hours = '0', minutes = '0', seconds = '0', fraction = ''] = match
  const [, , , , , , , , sign, offsetHours = '0', offsetMinutes = '0', offsetSeconds = '0'] = match
  const date = new Date(0)
  date.setUTCFullYear(Number(year ?? 0), Number(month ?? 1) - 1, Number(day ?? 1))
  date.setUTCHours(Number(hours), Number(minutes), Number(seconds))
  if (Number.isNaN(date.getTime())) return undefined
  const size = Number(offsetHours) * 3600 + Number(offsetMinutes) * 60 + Number(offsetSeconds)
  const offset = sign === '-' ? -size : size
  const nanos = BigInt(date.getTime()) * 1_000_000n + BigInt(fraction.padEnd(9, '0')) - BigInt(offset) * 1_000_000_000n
  return new Timestamp(nanos, offset === 0 ? { name: 'UTC' } : { name: '', offsetSeconds: offset })
}
