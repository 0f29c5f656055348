import type { Timestamp } from '../../value.ts'
import { MONTHS, WEEKDAYS, dayOfYear, isoWeek, weekdayOf } from './calendar.ts'
import { type ClockView, clockView, padded } from './format.ts'

/** Conversions composed of several others. */
export const COMPOSITIONS: Readonly<Record<string, string>> = {
  c: 'a b e H:M:S Y',
  '+': 'a b e H:M:S Z Y',
  F: 'Y-m-d',
  D: 'm/d/y',
  x: 'm/d/y',
  v: 'e-b-Y',
  T: 'H:M:S',
  X: 'H:M:S',
  r: 'I:M:S p',
  R: 'H:M',
}

/** Formats a timestamp by strftime with flags (`-_0^#`) and widths; unknown conversions are unchanged. */
export function formatStrftime(timestamp: Timestamp, format: string): string {
  const view = clockView(timestamp)
  let text = ''
  for (const step of stepsOf(format)) text += typeof step === 'string' ? step : convert(view, step)
  return text
}

const known = new Map<string, readonly (string | Conversion)[]>()
const MAX_KNOWN = 1000

/** Splits a format into conversions and the text between them. */
function stepsOf(format: string): readonly (string | Conversion)[] {
  const found = known.get(format)
  if (found !== undefined) return found
  const steps: (string | Conversion)[] = []
  let from = 0
  for (const match of format.matchAll(CONVERSION)) {
    const [whole = '', flags = '', width, colons, letter] = match
    if (match.index > from) steps.push(format.slice(from, match.index))
    from = match.index + whole.length
    const size = Math.min(Number(width ?? 0), MAX_WIDTH)
    steps.push({ whole, flags, width: size, colons: colons?.length ?? 0, letter: letter ?? '' })
  }
  if (from < format.length) steps.push(format.slice(from))
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(format, steps)
  return steps
}

interface Conversion {
  readonly whole: string
  readonly flags: string
  readonly width: number
  readonly colons: number
  readonly letter: string
}

/** The fill character for numbers; null for no padding. */
type Padding = { readonly character: string; readonly explicit: boolean } | null

const CONVERSION = /%([-_^#0]*)([1-9]\d*)?(:{0,3}(?=z)|)([^]|$)/gu
const MAX_WIDTH = 1024
const DEFAULT_PADDING: Padding = { character: '0', explicit: false }

function convert(view: ClockView, conversion: Conversion): string {
  const { flags, width, letter } = conversion
  if (flags === '' && width === 0) {
    const usual = usualText(view, letter)
    if (usual !== null) return usual
  }
  const padding = paddingOf(flags, width)
  if (letter === '') return conversion.whole === '%' ? '%' : padText(conversion.whole, width, padding)
  const composition = COMPOSITIONS[letter]
  if (composition !== undefined && Object.hasOwn(COMPOSITIONS, letter)) {
    // Of the flags only upper case is inherited by the parts.
    const inherited = flags.includes('^') ? '^' : ''
    return composition.replace(/[A-Za-z]/g, part =>
      convert(view, { whole: '', flags: inherited, width: 0, colons: 0, letter: part }),
    )
  }
  const number = numberFor(view, letter)
  if (number !== null) {
    const fill = number.blank === true && padding?.explicit === false ? ' ' : padding?.character
    return fill === undefined ? String(number.value) : String(number.value).padStart(leastWidth(number, width), fill)
  }
  const isNameless = letter === 'Z' && view.zone.abbreviation === ''
  if (letter === 'z' || isNameless) return zoneOffset(view, conversion, padding)
  const text = textFor(view, letter)
  if (text !== null) return padText(changeCase(text, flags, letter), width, padding)
  return padText(conversion.whole.slice(0, -letter.length), width - 1, padding) + letter
}

/** The flagless conversions that almost every format uses. */
function usualText({ civil, nanos }: ClockView, letter: string): string | null {
  switch (letter) {
    case 'Y':
      return civil.year < 0 ? null : padded(civil.year, 4)
    case 'm':
      return padded(civil.month, 2)
    case 'd':
      return padded(civil.day, 2)
    case 'H':
      return padded(civil.hour, 2)
    case 'M':
      return padded(civil.minute, 2)
    case 'S':
      return padded(civil.second, 2)
    case 'f':
      return padded(Math.trunc(nanos / 1000), 6)
    default:
      return null
  }
}

function paddingOf(flags: string, width: number): Padding {
  let padding: Padding = DEFAULT_PADDING
  for (const flag of flags) {
    if (flag === '-') padding = null
    else if (flag === '_') padding = { character: ' ', explicit: true }
    else if (flag === '0') padding = { character: '0', explicit: true }
  }
  return padding === null && width > 0 ? { character: ' ', explicit: true } : padding
}

interface NumberPart {
  readonly value: number
  readonly width: number
  /** A width in the format overrides this one, even if it is smaller. */
  readonly flexible?: boolean
  /** Padded with spaces unless a flag says otherwise. */
  readonly blank?: boolean
}

function numberFor(view: ClockView, letter: string): NumberPart | null {
  const { civil, clockSeconds } = view
  const weekday = weekdayOf(clockSeconds)
  switch (letter) {
    case 'Y':
      return { value: civil.year, width: 4, flexible: true }
    case 'y':
      return { value: civil.year % 100, width: 2 }
    case 'C':
      return { value: Math.trunc(civil.year / 100), width: 2 }
    case 'g':
      return { value: isoWeek(clockSeconds).year % 100, width: 2 }
    case 'G':
      return { value: isoWeek(clockSeconds).year, width: 4, flexible: true }
    case 'm':
      return { value: civil.month, width: 2 }
    case 'w':
      return { value: weekday, width: 0 }
    case 'u':
      return { value: weekday || 7, width: 0 }
    case 'V':
      return { value: isoWeek(clockSeconds).week, width: 2 }
    case 'U':
      return { value: Math.trunc((dayOfYear(civil) + 6 - weekday) / 7), width: 2 }
    case 'W':
      return { value: Math.trunc((dayOfYear(civil) - (weekday > 0 ? weekday - 7 : 0)) / 7), width: 2 }
    case 'e':
      return { value: civil.day, width: 2, blank: true }
    case 'd':
      return { value: civil.day, width: 2 }
    case 'j':
      return { value: dayOfYear(civil), width: 3 }
    case 'k':
      return { value: civil.hour, width: 2, blank: true }
    case 'H':
      return { value: civil.hour, width: 2 }
    case 'l':
      return { value: civil.hour % 12 || 12, width: 2, blank: true }
    case 'I':
      return { value: civil.hour % 12 || 12, width: 2 }
    case 'M':
      return { value: civil.minute, width: 2 }
    case 'S':
      return { value: civil.second, width: 2 }
    case 's':
      return { value: view.unixSeconds, width: 0, blank: true }
    case 'f':
      return { value: Math.trunc(view.nanos / 1000), width: 6, flexible: true }
    default:
      return null
  }
}

function leastWidth(number: NumberPart, asked: number): number {
  return number.flexible === true && asked > 0 ? asked : Math.max(asked, number.width)
}

function textFor(view: ClockView, letter: string): string | null {
  switch (letter) {
    case 'B':
      return MONTHS[view.civil.month - 1]!
    case 'b':
    case 'h':
      return MONTHS[view.civil.month - 1]!.slice(0, 3)
    case 'A':
      return WEEKDAYS[weekdayOf(view.clockSeconds)]!
    case 'a':
      return WEEKDAYS[weekdayOf(view.clockSeconds)]!.slice(0, 3)
    case 'P':
    case 'p':
      return view.civil.hour < 12 ? 'AM' : 'PM'
    case 'Z':
      return view.zone.abbreviation
    case 't':
      return '\t'
    case 'n':
      return '\n'
    case '%':
      return '%'
    default:
      return null
  }
}

/** `^` means upper case, `#` the opposite of the word's usual case, and `P` is the opposite of `p`. */
function changeCase(text: string, flags: string, letter: string): string {
  if (letter === 't' || letter === 'n' || letter === '%') return text
  const upper = flags.includes('^')
  const swap = letter === 'P' ? !upper && !flags.includes('#') : flags.includes('#')
  if (swap && /^.[^a-z]/.test(text)) return text.toLowerCase()
  return upper || swap ? text.toUpperCase() : text
}

function padText(text: string, width: number, padding: Padding): string {
  if (padding === null) return text
  return text.padStart(width, padding.explicit ? padding.character : ' ')
}

function zoneOffset(view: ClockView, { width, colons }: Conversion, padding: Padding): string {
  const offset = view.zone.offsetSeconds
  const size = Math.abs(offset)
  const colon = colons > 0 ? ':' : ''
  const hours = String(Math.trunc(size / 3600)).padStart(padding === null ? 0 : 2, padding?.character)
  let digits = hours.trimStart()
  if (colons <= 2 || size % 3600 !== 0) {
    digits += colon + padded(Math.trunc(size / 60) % 60, 2)
    if (colons === 2 || (colons === 3 && size % 60 !== 0)) digits += colon + padded(size % 60, 2)
  }
  const sign = offset < 0 ? '-' : '+'
  if (padding?.character === '0') return sign + digits.padStart(width - 1, '0')
  const blank = hours.length - hours.trimStart().length
  return (' '.repeat(blank) + sign + digits).padStart(width, ' ')
}
