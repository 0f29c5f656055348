/** One point of a measurement. Integers are bigint, anything else is a float. */
interface Point {
  readonly measurement: string
  readonly tags: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, number | bigint>>
  /** Since 1970. */
  readonly timeMs: number
}

export type Precision = 'n' | 'ns' | 'u' | 'us' | 'ms' | 's' | 'm' | 'h'

/** How many of a unit are in a millisecond. */
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

/** A line of InfluxDB's line protocol, with its line end. Tags without a value are left out, since the protocol has none. */
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

/** Nanoseconds since 1970 are more than a number holds exactly. */
function scaleOf(precision: Precision): bigint {
  return BigInt(Math.max(1, Math.round(precisions[precision])))
}

function escapeMeasurement(text: string): string {
  return text.replaceAll(/[, ]/g, '\\$&').replaceAll('\n', '\\n')
}

function escapeTag(text: string): string {
  return text.replaceAll(/[,= ]/g, '\\$&').replaceAll('\n', '\\n')
}
