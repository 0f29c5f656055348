import { parseDuration } from '../../engine/index.ts'

/**
 * When something is due: the matching minutes, hours, days …, or a fixed interval. Times are in milliseconds since
 * 1970.
 */
export type Schedule =
  | { readonly kind: 'every'; readonly periodMs: number }
  | {
      readonly kind: 'calendar'
      readonly zone: string
      readonly seconds: ReadonlySet<number>
      readonly minutes: ReadonlySet<number>
      readonly hours: ReadonlySet<number>
      readonly days: ReadonlySet<number>
      readonly months: ReadonlySet<number>
      readonly weekdays: ReadonlySet<number>
      /** Whether days of the month and of the week are both restricted, in which case matching either is enough. */
      readonly eitherDay: boolean
    }

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 0 1 1 *',
  '@annually': '0 0 0 1 1 *',
  '@monthly': '0 0 0 1 * *',
  '@weekly': '0 0 0 * * 0',
  '@daily': '0 0 0 * * *',
  '@midnight': '0 0 0 * * *',
  '@hourly': '0 0 * * * *',
}
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** Parses a cron expression of five or six fields (seconds first), a descriptor, or `@every 5m`. Throws an `Error`. */
export function parseCron(text: string): Schedule {
  let zone = 'UTC'
  let rest = text.trim()
  const zoned = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(rest)
  if (zoned !== null) {
    zone = zoned[1]!
    rest = zoned[2]!
    try {
      new Intl.DateTimeFormat('en', { timeZone: zone })
    } catch (error) {
      throw new Error(`provided bad location ${zone}: unknown time zone ${zone}`, { cause: error })
    }
  }
  if (rest.startsWith('@every '))
    return { kind: 'every', periodMs: Math.max(1000, parseDuration(rest.slice(7).trim())) }
  const fields = (DESCRIPTORS[rest] ?? rest).split(/\s+/)
  if (rest.startsWith('@') && DESCRIPTORS[rest] === undefined) throw new Error(`unrecognized descriptor: ${rest}`)
  if (fields.length === 5) fields.unshift('0')
  if (fields.length !== 6) throw new Error(`expected 5 to 6 fields, found ${fields.length}: [${fields.join(' ')}]`)
  const [seconds = '', minutes = '', hours = '', days = '', months = '', weekdays = ''] = fields
  return {
    kind: 'calendar',
    zone,
    seconds: parseField(seconds, 0, 59),
    minutes: parseField(minutes, 0, 59),
    hours: parseField(hours, 0, 23),
    days: parseField(days, 1, 31),
    months: parseField(months, 1, 12, MONTHS, 1),
    weekdays: parseField(weekdays, 0, 6, WEEKDAYS, 0),
    eitherDay: !/^[*?]/.test(days) && !/^[*?]/.test(weekdays),
  }
}

function parseField(
  text: string,
  low: number,
  high: number,
  names: readonly string[] = [],
  firstName = 0,
): Set<number> {
  const values = new Set<number>()
  const number = (word: string) => {
    const index = names.indexOf(word.toLowerCase())
    const value = index >= 0 ? index + firstName : /^\d+$/.test(word) ? Number(word) : NaN
    if (Number.isNaN(value)) throw new Error(`failed to parse int from ${word}`)
    return value
  }
  for (const part of text.split(',')) {
    const [range = '', step] = part.split('/')
    const [first = '', last] = range.split('-')
    const isAny = first === '*' || first === '?'
    const start = isAny ? low : number(first)
    const end = isAny ? high : last !== undefined ? number(last) : step !== undefined ? high : start
    if (start < low) throw new Error(`beginning of range (${start}) below minimum (${low}): ${part}`)
    if (end > high) throw new Error(`end of range (${end}) above maximum (${high}): ${part}`)
    if (start > end) throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${part}`)
    const by = step === undefined ? 1 : number(step)
    if (by === 0) throw new Error(`step of range should be a positive number: ${part}`)
    for (let value = start; value <= end; value += by) values.add(value)
  }
  return values
}

/** The next due time after `from`, at most five years ahead. */
export function nextTime(schedule: Schedule, from: number): number {
  if (schedule.kind === 'every') return Math.floor(from / 1000) * 1000 + schedule.periodMs
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: schedule.zone,
    hourCycle: 'h23',
    month: 'numeric',
    day: 'numeric',
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  let time = Math.floor(from / 1000) * 1000 + 1000
  const end = time + 5 * 366 * 86_400_000
  while (time < end) {
    const local = parts(format, time)
    // The step is as long as the coarsest non-matching field allows; time zones change at multiples of 15 minutes.
    if (!schedule.months.has(local.month) || !dayMatches(schedule, local)) time = nextMultiple(time, 900_000)
    else if (!schedule.hours.has(local.hour)) time = nextMultiple(time, 900_000)
    else if (!schedule.minutes.has(local.minute)) time = nextMultiple(time, 60_000)
    else if (!schedule.seconds.has(local.second)) time += 1000
    else return time
  }
  return end
}

function nextMultiple(time: number, stepMs: number): number {
  return (Math.floor(time / stepMs) + 1) * stepMs
}

interface LocalTime {
  readonly month: number
  readonly day: number
  readonly weekday: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

function dayMatches(schedule: Schedule & { kind: 'calendar' }, local: LocalTime): boolean {
  const day = schedule.days.has(local.day)
  const weekday = schedule.weekdays.has(local.weekday)
  return schedule.eitherDay ? day || weekday : day && weekday
}

function parts(format: Intl.DateTimeFormat, time: number): LocalTime {
  const found: Record<string, string> = {}
  for (const { type, value } of format.formatToParts(time)) found[type] = value
  return {
    month: Number(found['month']),
    day: Number(found['day']),
    weekday: WEEKDAYS.indexOf(found['weekday']!.toLowerCase()),
    hour: Number(found['hour']),
    minute: Number(found['minute']),
    second: Number(found['second']),
  }
}
