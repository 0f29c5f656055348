import type { Choices } from '../choices.ts'

export const KEYS = ['a', 'b', 'c', 'd', 'foo', 'bar', 'id', 'x y', 'é', '0', 'name', 'left', '']

const NUMBERS = ['0', '-0', '1', '-1', '2', '3.5', '1.50', '1e3', '1E400', '-1e-400', '0.1', '12345678901234567890']
const LARGE = [
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '1577836800',
  '100000000000000000000',
]
const TEXTS = [
  '',
  'a',
  'foo',
  'Foo Bar',
  'héllo',
  '12',
  '-3.5',
  '0x1F',
  'true',
  'null',
  '2020-08-14T05:54:23Z',
  '1h30m',
]
const ODD = [
  '\u0000',
  '😀',
  '<a>&',
  '\u2028',
  'a.b.c',
  'a,b\n1,2',
  '{"k":[1,2]}',
  'k: [1, 2]',
  'eyJhIjoxfQ==',
  '~1',
  '  x ',
]
const LONE = ['"\\ud800"', '"x\\udc00y"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\/"']

/** A random JSON text with sorted keys and without white space, so that copying leaves it unchanged. */
export function randomDocument(choices: Choices, depth = 3): string {
  const kind = choices.below(depth > 0 ? 12 : 7)
  if (kind < 2) return choices.pick(choices.chance(0.3) ? LARGE : NUMBERS)
  if (kind < 5) return randomText(choices)
  if (kind === 5) return choices.pick(['true', 'false'])
  if (kind === 6) return 'null'
  if (kind < 9) return `[${choices.list(5, () => randomDocument(choices, depth - 1)).join(',')}]`
  return randomObject(choices, depth)
}

export function randomObject(choices: Choices, depth = 3): string {
  const keys = [...new Set(choices.list(7, () => choices.pick(KEYS)))].toSorted()
  return `{${keys.map(key => `${JSON.stringify(key)}:${randomDocument(choices, depth - 1)}`).join(',')}}`
}

function randomText(choices: Choices): string {
  if (choices.chance(0.05)) return choices.pick(LONE)
  return JSON.stringify(choices.pick(choices.chance(0.4) ? ODD : TEXTS))
}
