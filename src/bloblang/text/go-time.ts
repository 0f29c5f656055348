/** Formats times as Go's fmt package does. */
import { secondsAndNanos } from '../data/time/calendar.ts'
import { formatLayout } from '../data/time/format.ts'
import type { Timestamp } from '../value.ts'

/** Seconds from year 1, where Go's clock starts, to 1970. */
const SECONDS_TO_1970 = 62_135_596_800n

/** `2020-08-14 05:54:23 +0000 UTC`. */
export function goTimeString(timestamp: Timestamp): string {
  return formatLayout(timestamp, '2006-01-02 15:04:05.999999999 -0700 MST')
}

/** Formats a time as Go source, as `%#v` does. */
export function goTimeLiteral(timestamp: Timestamp): string {
  const { name } = timestamp.zone
  const zone = name === 'UTC' || name === 'Local' ? `time.${name}` : `time.Location(${JSON.stringify(name)})`
  const clock = formatLayout(timestamp, '2006, time.January, 2, 15, 4, 5').replace(/, 0(\d)/g, ', $1')
  return `time.Date(${clock}, ${timeFields(timestamp)[0]}, ${zone})`
}

/** The first two fields of Go's struct: nanoseconds of the second, seconds since year 1. */
export function timeFields(timestamp: Timestamp): readonly [bigint, bigint] {
  const [seconds, nanos] = secondsAndNanos(timestamp.unixNanos)
  return [nanos, seconds + SECONDS_TO_1970]
}
