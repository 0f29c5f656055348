import type { Timestamp, Zone } from '../value.ts'

const SECOND = 1_000_000_000n

/** From year 1, where Go's clock starts, to 1970. */
const SECONDS_TO_1970 = 62_135_596_800n

/** A timestamp as RFC 3339 with as many digits of the fraction as it needs. */
export function timestampText(timestamp: Timestamp): string {
  const { local, fraction, offset } = fields(timestamp)
  return `${dateText(local)}T${clockText(local)}${fraction}${offset === 0 ? 'Z' : offsetText(offset, ':')}`
}

/** A timestamp as Go's `Time.String` prints it: `2020-08-14 05:54:23 +0000 UTC`. */
export function goTimeString(timestamp: Timestamp): string {
  const { local, fraction, offset } = fields(timestamp)
  const plain = offsetText(offset, '')
  const zone = timestamp.zone
  const name = zone.offsetSeconds !== undefined ? zone.name || plain : zoneAbbreviation(zone, offset, local)
  return `${dateText(local)} ${clockText(local)}${fraction} ${plain} ${name}`
}

/** A timestamp as Go source, which is what `%#v` prints. */
export function goTimeLiteral(timestamp: Timestamp): string {
  const { local, nanos } = fields(timestamp)
  const month = local.toLocaleString('en-US', { month: 'long', timeZone: 'UTC' })
  const clock = `${local.getUTCHours()}, ${local.getUTCMinutes()}, ${local.getUTCSeconds()}, ${nanos}`
  const { name } = timestamp.zone
  const zone = name === 'UTC' || name === 'Local' ? `time.${name}` : `time.Location(${JSON.stringify(name)})`
  return `time.Date(${local.getUTCFullYear()}, time.${month}, ${local.getUTCDate()}, ${clock}, ${zone})`
}

/** The first two fields of Go's struct: nanoseconds of the second, seconds since year 1. */
export function timeFields(timestamp: Timestamp): readonly [bigint, bigint] {
  const { seconds, nanos } = fields(timestamp)
  return [nanos, seconds + SECONDS_TO_1970]
}

function fields(timestamp: Timestamp) {
  let seconds = timestamp.unixNanos / SECOND
  let nanos = timestamp.unixNanos % SECOND
  if (nanos < 0n) {
    seconds -= 1n
    nanos += SECOND
  }
  const offset = offsetSeconds(timestamp.zone, Number(seconds))
  const local = new Date((Number(seconds) + offset) * 1000)
  const fraction = nanos === 0n ? '' : `.${nanos.toString().padStart(9, '0').replace(/0+$/, '')}`
  return { seconds, nanos, offset, local, fraction }
}

function clockText(date: Date): string {
  return date.toISOString().slice(-13, -5)
}

function zoneAbbreviation(zone: Zone, offset: number, local: Date): string {
  if (zone.name === 'UTC' || zone.name === '') return 'UTC'
  const date = new Date(local.getTime() - offset * 1000)
  const timeZone = zone.name === 'Local' ? undefined : zone.name
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'short' }).formatToParts(date)
  const name = parts.find(part => part.type === 'timeZoneName')?.value ?? ''
  if (!name.startsWith('GMT')) return name
  const text = offsetText(offset, '')
  return text.endsWith('00') ? text.slice(0, 3) : text
}

function dateText(date: Date): string {
  const year = date.getUTCFullYear()
  const yearText = year < 0 ? `-${String(-year).padStart(4, '0')}` : String(year).padStart(4, '0')
  return `${yearText}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`
}

function offsetText(seconds: number, colon: string): string {
  const minutes = Math.trunc(Math.abs(seconds) / 60)
  return `${seconds < 0 ? '-' : '+'}${pad(Math.trunc(minutes / 60))}${colon}${pad(minutes % 60)}`
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}

function offsetSeconds(zone: Zone, unixSeconds: number): number {
  if (zone.offsetSeconds !== undefined) return zone.offsetSeconds
  if (zone.name === 'UTC' || zone.name === '') return 0
  const date = new Date(unixSeconds * 1000)
  if (zone.name === 'Local') return -date.getTimezoneOffset() * 60
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone.name,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(date)
  const part = (type: string) => Number(parts.find(candidate => candidate.type === type)?.value ?? 0)
  const shown = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return Math.round(shown / 1000 - unixSeconds)
}
