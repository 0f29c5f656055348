import type { Machine } from './machine.ts'
import { AwkError, printed, type Scalar, toNumber } from './values.ts'

type Builtin = (machine: Machine, args: readonly Scalar[]) => Scalar

/** The functions of the language that only take values, with their minimum and maximum number of arguments. */
export const builtins: Readonly<Record<string, readonly [least: number, most: number, run: Builtin]>> = {
  atan2: [2, 2, (_, [y, x]) => Math.atan2(toNumber(y), toNumber(x))],
  close: [1, 1, () => -1],
  cos: [1, 1, (_, [x]) => Math.cos(toNumber(x))],
  exp: [1, 1, (_, [x]) => Math.exp(toNumber(x))],
  fflush: [0, 1, () => 0],
  index: [
    2,
    2,
    (machine, [text, part]) => byteIndex(machine.text(text), machine.text(text).indexOf(machine.text(part))) + 1,
  ],
  int: [1, 1, (_, [x]) => Math.trunc(toNumber(x))],
  log: [1, 1, (_, [x]) => Math.log(toNumber(x))],
  rand: [0, 0, machine => machine.natives['_random']!([])],
  sin: [1, 1, (_, [x]) => Math.sin(toNumber(x))],
  sprintf: [
    1,
    Number.POSITIVE_INFINITY,
    (machine, [format, ...args]) => machine.checked(printed(machine.text(format), args, machine.convfmt)),
  ],
  sqrt: [1, 1, (_, [x]) => Math.sqrt(toNumber(x))],
  srand: [0, 1, machine => machine.natives['_seed']!([])],
  substr: [2, 3, (machine, [text, start, length]) => substring(machine.text(text), start, length)],
  system: [
    1,
    1,
    () => {
      throw new AwkError("can't call system(): programs are not started from here")
    },
  ],
  tolower: [1, 1, (machine, [text]) => machine.text(text).toLowerCase()],
  toupper: [1, 1, (machine, [text]) => machine.text(text).toUpperCase()],
}

const NOT_ASCII = /[^\0-\x7f]/

/** The length of a text in bytes: the language counts bytes. */
export function byteLength(text: string): number {
  return NOT_ASCII.test(text) ? Buffer.byteLength(text) : text.length
}

/** The number of bytes before a position in a text. */
export function byteIndex(text: string, at: number): number {
  return at <= 0 ? at : byteLength(text.slice(0, at))
}

function substring(text: string, start: Scalar, length: Scalar): string {
  // A position before the text counts as its start, also for the length.
  const first = Math.max(rounded(toNumber(start)), 1) - 1
  const last = length === undefined ? Number.POSITIVE_INFINITY : first + Math.max(rounded(toNumber(length)), 0)
  if (Number.isNaN(first) || Number.isNaN(last)) return ''
  if (!NOT_ASCII.test(text)) return text.slice(first, last)
  return Buffer.from(text).subarray(first, last).toString('utf8')
}

function rounded(number: number): number {
  const floor = Math.floor(number)
  if (number - floor !== 0.5) return Math.round(number)
  return floor % 2 === 0 ? floor : floor + 1
}

/** Expands a replacement for a match: `&` is the match, `\\&` an ampersand. */
export function replacementOf(template: string, match: string): string {
  return template.replaceAll(/\\([\s\S]?)|&/g, (token, escaped: string | undefined) => {
    if (token === '&') return match
    return escaped === '&' || escaped === '\\' ? escaped : token
  })
}
