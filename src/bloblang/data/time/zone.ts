import { MappingError } from '../../errors.ts'
import type { Zone } from '../../value.ts'
import { ZONE_ABBREVIATIONS } from './abbreviations.ts'

/** Coordinated universal time. */
export const UTC: Zone = { name: 'UTC' }
/** The local zone of the machine. */
export const LOCAL: Zone = { name: 'Local' }

/** The state of a zone at an instant: seconds east of UTC, and the abbreviation that layouts print for `MST`. */
export interface ZoneState {
  readonly offsetSeconds: number
  readonly abbreviation: string
}

/** A zone of the IANA database, `UTC` or `Local`. Throws Go's error if there is no such zone. */
export function loadZone(name: string): Zone {
  if (name === '' || name === 'UTC') return UTC
  if (name === 'Local') return LOCAL
  if (name.includes('..') || name.startsWith('/') || name.startsWith('\\')) {
    throw new MappingError('time: invalid location name')
  }
  if (!abbreviationTable().has(name) || tableOf(name) === null) throw new MappingError(`unknown time zone ${name}`)
  return { name }
}

/** A zone with a constant offset; without a name its offset is printed. */
export function fixedZone(name: string, offsetSeconds: number): Zone {
  return { name, offsetSeconds }
}

/** The offset of a zone at an instant. */
function offsetAt(zone: Zone, unixSeconds: number): number {
  if (zone.offsetSeconds !== undefined) return zone.offsetSeconds
  if (zone.name === 'UTC' || zone.name === '') return 0
  const table = tableOf(zone.name === 'Local' ? localName() : zone.name)
  return table === null ? 0 : table.offsetAt(unixSeconds)
}

/** The offset and abbreviation of a zone at an instant. */
export function zoneStateAt(zone: Zone, unixSeconds: number): ZoneState {
  if (zone.offsetSeconds !== undefined) return { offsetSeconds: zone.offsetSeconds, abbreviation: zone.name }
  if (zone.name === 'UTC' || zone.name === '') return UTC_STATE
  const name = zone.name === 'Local' ? localName() : zone.name
  const table = tableOf(name)
  return table === null ? { offsetSeconds: 0, abbreviation: abbreviationOf(name, 0) } : table.stateAt(unixSeconds)
}

const UTC_STATE: ZoneState = { offsetSeconds: 0, abbreviation: 'UTC' }

/**
 * The instant at which clocks of a zone show these seconds since 1970-01-01T00:00. In a gap the earlier offset applies.
 */
export function instantOf(zone: Zone, clockSeconds: number): number {
  const offset = offsetAt(zone, clockSeconds)
  return offset === 0 ? clockSeconds : clockSeconds - offsetAt(zone, clockSeconds - offset)
}

/**
 * The offset that an abbreviation denotes in the local zone: the one in use at that time, else the first that the zone
 * has; undefined if there is none.
 */
export function localOffsetNamed(abbreviation: string, clockSeconds: number): number | undefined {
  const known = abbreviationTable().get(localName()) ?? []
  const matching = known.filter(([name]) => name === abbreviation)
  const inUse = matching.find(([, offset]) => offsetAt(LOCAL, clockSeconds - offset) === offset)
  return (inUse ?? matching[0])?.[1]
}

type Abbreviations = readonly (readonly [abbreviation: string, offsetSeconds: number])[]

let knownAbbreviations: Map<string, Abbreviations> | null = null

function abbreviationTable(): ReadonlyMap<string, Abbreviations> {
  if (knownAbbreviations !== null) return knownAbbreviations
  knownAbbreviations = new Map()
  for (const line of ZONE_ABBREVIATIONS.trim().split('\n')) {
    const [names = '', zones] = line.split(': ')
    const abbreviations = [...names.matchAll(/([A-Za-z]+)([+-]\d+)/g)].map(
      match => [match[1]!, Number(match[2])] as const,
    )
    for (const zone of (zones ?? names.replace(/^:\s*/, '')).split(' ')) knownAbbreviations.set(zone, abbreviations)
  }
  return knownAbbreviations
}

function abbreviationOf(zoneName: string, offsetSeconds: number): string {
  if (zoneName === '') return 'UTC'
  const named = abbreviationTable()
    .get(zoneName)
    ?.find(([, offset]) => offset === offsetSeconds)
  if (named !== undefined) return named[0]
  if (offsetSeconds % 900 !== 0) return 'LMT'
  const minutes = Math.abs(offsetSeconds) / 60
  const hoursText = String(Math.trunc(minutes / 60)).padStart(2, '0')
  const minutesText = minutes % 60 === 0 ? '' : String(minutes % 60).padStart(2, '0')
  return `${offsetSeconds < 0 ? '-' : '+'}${hoursText}${minutesText}`
}

let knownLocalName: string | null = null

/** The name of the machine's zone, or of `TZ`. */
function localName(): string {
  knownLocalName ??= new Intl.DateTimeFormat('en-US').resolvedOptions().timeZone
  return knownLocalName
}

const tables = new Map<string, OffsetTable | null>()

function tableOf(name: string): OffsetTable | null {
  let table = tables.get(name)
  if (table === undefined) {
    table = OffsetTable.open(name)
    tables.set(name, table)
  }
  return table
}

/**
 * The offsets of one zone. Intl is slow, so it is queried only for both ends of a span of three days: no zone has ever
 * changed twice within one. If the ends differ, it is queried once per quarter of an hour, because offsets only change
 * at such times.
 */
class OffsetTable {
  readonly #name: string
  readonly #format: Intl.DateTimeFormat
  readonly #spans = new Map<number, ZoneState | null>()
  readonly #quarters = new Map<number, ZoneState>()
  readonly #states = new Map<number, ZoneState>()

  private constructor(name: string, format: Intl.DateTimeFormat) {
    this.#name = name
    this.#format = format
  }

  static open(name: string): OffsetTable | null {
    try {
      return new OffsetTable(name, new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' }))
    } catch (error) {
      if (error instanceof RangeError) return null
      throw error
    }
  }

  offsetAt(unixSeconds: number): number {
    return this.stateAt(unixSeconds).offsetSeconds
  }

  stateAt(unixSeconds: number): ZoneState {
    const span = Math.floor(unixSeconds / SPAN_SECONDS)
    let state = this.#spans.get(span)
    if (state === undefined) {
      if (this.#spans.size >= MAX_KNOWN_OFFSETS) this.#spans.clear()
      const first = this.#ask(span * SPAN_SECONDS)
      state = first === this.#ask((span + 1) * SPAN_SECONDS) ? this.#state(first) : null
      this.#spans.set(span, state)
    }
    return state ?? this.#stateInQuarter(unixSeconds)
  }

  #stateInQuarter(unixSeconds: number): ZoneState {
    const quarter = Math.floor(unixSeconds / 900)
    let state = this.#quarters.get(quarter)
    if (state === undefined) {
      if (this.#quarters.size >= MAX_KNOWN_OFFSETS) this.#quarters.clear()
      state = this.#state(this.#ask(unixSeconds))
      this.#quarters.set(quarter, state)
    }
    return state
  }

  #state(offsetSeconds: number): ZoneState {
    let state = this.#states.get(offsetSeconds)
    if (state === undefined) {
      state = { offsetSeconds, abbreviation: abbreviationOf(this.#name, offsetSeconds) }
      this.#states.set(offsetSeconds, state)
    }
    return state
  }

  #ask(unixSeconds: number): number {
    const milliseconds = Math.min(Math.max(unixSeconds * 1000, -MAX_DATE_MS), MAX_DATE_MS)
    const text = this.#format.format(milliseconds)
    const match = /GMT(?:([+-])(\d+):(\d+)(?::(\d+))?)?$/.exec(text)
    if (match?.[1] === undefined) return 0
    const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0)
    return match[1] === '-' ? -seconds : seconds
  }
}

const SPAN_SECONDS = 3 * 86_400
const MAX_KNOWN_OFFSETS = 10_000
const MAX_DATE_MS = 8.64e15
