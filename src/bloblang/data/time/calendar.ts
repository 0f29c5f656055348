/** A time in the proleptic Gregorian calendar, for years of any size. */
export interface CivilTime {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

const SECONDS_PER_DAY = 86_400
/** Nanoseconds per second. */
export const NANOS_PER_SECOND = 1_000_000_000n
/** The names of the months. */
export const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const
/** The names of the weekdays, Sunday first. */
export const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const

/** The date and time of day this many seconds after 1970-01-01T00:00, without a time zone. */
export function civilFromSeconds(seconds: number): CivilTime {
  const days = Math.floor(seconds / SECONDS_PER_DAY)
  const rest = seconds - days * SECONDS_PER_DAY
  const { year, month, day } = dateFromDays(days)
  return { year, month, day, hour: Math.trunc(rest / 3600), minute: Math.trunc(rest / 60) % 60, second: rest % 60 }
}

/** The inverse of {@link civilFromSeconds}; out-of-range months, days and times of day carry over, as in Go. */
export function secondsFromCivil(civil: CivilTime): number {
  const days = daysFromDate(civil.year, civil.month, civil.day)
  return days * SECONDS_PER_DAY + civil.hour * 3600 + civil.minute * 60 + civil.second
}

/** Days since 1970-01-01. */
export function daysFromDate(year: number, month: number, day: number): number {
  const wholeYear = year + Math.floor((month - 1) / 12)
  const monthIndex = (((month - 1) % 12) + 12) % 12
  // Years start in March here, so that the leap day comes last.
  const shifted = monthIndex < 2 ? wholeYear - 1 : wholeYear
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * ((monthIndex + 10) % 12) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

/** The day of the week; Sunday is 0. */
export function weekdayOf(seconds: number): number {
  const days = Math.floor(seconds / SECONDS_PER_DAY)
  return (((days + 4) % 7) + 7) % 7
}

/** The day of the year, from 1 to 366. */
export function dayOfYear(civil: CivilTime): number {
  return daysFromDate(civil.year, civil.month, civil.day) - daysFromDate(civil.year, 1, 1) + 1
}

/** The ISO 8601 year and week: weeks start on Monday and belong to the year of their Thursday. */
export function isoWeek(seconds: number): { readonly year: number; readonly week: number } {
  const thursday = Math.floor(seconds / SECONDS_PER_DAY) + 3 - ((weekdayOf(seconds) + 6) % 7)
  const { year } = dateFromDays(thursday)
  return { year, week: Math.floor((thursday - daysFromDate(year, 1, 1)) / 7) + 1 }
}

/** The number of days in a month, which counts from 1. */
export function daysInMonth(year: number, month: number): number {
  return daysFromDate(year, month + 1, 1) - daysFromDate(year, month, 1)
}

/** Whether a year has 366 days. */
export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

function dateFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const day = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * day + 2) / 153)
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: day - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  }
}

/** Whole seconds, rounded down, and the remaining nanoseconds. */
export function secondsAndNanos(nanos: bigint): readonly [bigint, bigint] {
  const rest = ((nanos % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND
  return [(nanos - rest) / NANOS_PER_SECOND, rest]
}
