const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Parses a duration such as `1h15m30.5s` or `-250ms` to milliseconds. Throws an `Error` with the original's text. */
export function parseDuration(text: string): number {
  const fail = (why: string) => new Error(`time: ${why}${JSON.stringify(text)}`)
  const match = /^([-+]?)(.*)$/s.exec(text)!
  let rest = match[2]!
  if (rest === '0') return 0
  if (rest === '') throw fail('invalid duration ')
  let totalMs = 0
  while (rest !== '') {
    const number = /^([0-9]+(\.[0-9]*)?|\.[0-9]+)/.exec(rest)
    if (number === null) throw fail('invalid duration ')
    rest = rest.slice(number[0].length)
    const unit = /^[^0-9.]+/.exec(rest)
    if (unit === null) throw fail('missing unit in duration ')
    const factor = UNITS[unit[0]]
    if (factor === undefined) throw fail(`unknown unit ${JSON.stringify(unit[0])} in duration `)
    totalMs += Number(number[0]) * factor
    rest = rest.slice(unit[0].length)
  }
  return match[1] === '-' ? -totalMs : totalMs
}

/** Formats a duration as Go does: `1h2m3.5s`, `12.3ms`. */
export function durationText(ns: number): string {
  if (ns < 1000) return `${ns}ns`
  if (ns < 1e6) return `${ns / 1e3}µs`
  if (ns < 1e9) return `${ns / 1e6}ms`
  const minutes = Math.floor(ns / 60e9)
  const seconds = `${(ns - minutes * 60e9) / 1e9}s`
  if (minutes === 0) return seconds
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${minutes}m${seconds}` : `${hours}h${minutes % 60}m${seconds}`
}
