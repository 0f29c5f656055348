/** One point of a measurement. Fields that are bigint are written as integers, all others as floats. */
interface Point {
  readonly measurement: string
  readonly tags: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, number | bigint>>
  /** Milliseconds since 1970. */
  readonly timeMs: number
}

export type Precision = 'n' | 'ns' | 'u' | 'us' | 'ms' | 's' | 'm' | 'h'

/** Number of each unit in a millisecond. */
export const precisions: Readonly<Record<Precision, number>> = {
  n: 1e6,
  ns: 1e6,
  u: 1e3,
  us: 1e3,
  ms: 1,
  s: 1 / 1000,
  m: 1 / 60_000,
  h: 1 / 3_600_000,
}

/**
 * Formats a line of InfluxDB's line protocol, including the line break. Tags with an empty value are omitted, since the
 * protocol does not allow them.
 */
export function writeLine({ measurement, tags, fields, timeMs }: Point, precision: Precision): string {
  const writtenTags = Object.entries(tags)
    .filter(([, value]) => value !== '')
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `,${escapeTag(name)}=${escapeTag(value)}`)
  const writtenFields = Object.entries(fields).map(
    ([name, value]) => `${escapeTag(name)}=${typeof value === 'bigint' ? `${value}i` : value}`,
  )
  const time = BigInt(Math.floor(timeMs * Math.min(1, precisions[precision]))) * scaleOf(precision)
  return `${escapeMeasurement(measurement)}${writtenTags.join('')} ${writtenFields.join(',')} ${time}\n`
}

/** Nanoseconds since 1970 exceed what a number represents exactly. */
function scaleOf(precision: Precision): bigint {
  return BigInt(Math.max(1, Math.round(precisions[precision])))
}

function escapeMeasurement(text: string): string {
  return text.replaceAll(/[, ]/g, '\\$&').replaceAll('\n', '\\n')
}

function escapeTag(text: string): string {
  return text.replaceAll(/[,= ]/g, '\\$&').replaceAll('\n', '\\n')
}
