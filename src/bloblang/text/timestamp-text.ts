import { MONTHS } from '../data/time/calendar.ts'
import { clockView, formatLayout } from '../data/time/format.ts'
import type { Timestamp } from '../value.ts'

export { formatRfc3339 as timestampText } from '../data/time/format.ts'

/** From year 1, where Go's clock starts, to 1970. */
const SECONDS_TO_1970 = 62_135_596_800n

/** A timestamp as Go's `Time.String` prints it: `2020-08-14 05:54:23 +0000 UTC`. */
export function goTimeString(timestamp: Timestamp): string {
  return formatLayout(timestamp, '2006-01-02 15:04:05.999999999 -0700 MST')
}

/** A timestamp as Go source, which is what `%#v` prints. */
export function goTimeLiteral(timestamp: Timestamp): string {
  const { civil, nanos } = clockView(timestamp)
  const { name } = timestamp.zone
  const zone = name === 'UTC' || name === 'Local' ? `time.${name}` : `time.Location(${JSON.stringify(name)})`
  const parts = [
    civil.year,
    `time.${MONTHS[civil.month - 1]!}`,
    civil.day,
    civil.hour,
    civil.minute,
    civil.second,
    nanos,
  ]
  return `time.Date(${parts.join(', ')}, ${zone})`
}

/** The first two fields of Go's struct: nanoseconds of the second, seconds since year 1. */
export function timeFields(timestamp: Timestamp): readonly [bigint, bigint] {
  const { unixSeconds, nanos } = clockView(timestamp)
  return [BigInt(nanos), BigInt(unixSeconds) + SECONDS_TO_1970]
}
