import { tokenize } from '../../src/bloblang/syntax.ts'
import type { Choices } from '../choices.ts'

const STRANGE = [
  '\u0000',
  '\ud800',
  '\udc80',
  '\u2028',
  '😀',
  '\r',
  '\r\n',
  '\t',
  '\n',
  '"',
  '"""',
  '\\',
  '#',
  '`',
  '\ufeff',
]
const PIECES = [
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '.',
  ',',
  ':',
  '=',
  '->',
  '=>',
  '!',
  '-',
  '|',
  '||',
  '&&',
  '$',
  '@',
  '%',
  '_',
  ' ',
]
const WORDS = [
  'this',
  'root',
  'match',
  'if',
  'else',
  'else if',
  'map',
  'import',
  'let',
  'meta',
  'null',
  'deleted()',
  '1',
  '1.5',
]

/** A variation of a text: tokens are dropped, doubled, swapped, nested, or replaced by unusual ones. */
export function mutate(choices: Choices, text: string, others: readonly string[]): string {
  let tokens = splitTokens(text)
  for (let left = 1 + choices.below(4); left > 0; left--) tokens = mutateOnce(choices, tokens, others)
  return tokens.join('')
}

function mutateOnce(choices: Choices, tokens: readonly string[], others: readonly string[]): string[] {
  const at = choices.below(tokens.length + 1)
  const end = Math.min(tokens.length, at + 1 + choices.below(choices.chance(0.3) ? 12 : 2))
  const cut = tokens.slice(at, end)
  const put = (...middle: readonly string[]) => [...tokens.slice(0, at), ...middle, ...tokens.slice(end)]
  switch (choices.below(10)) {
    case 0:
      return put()
    case 1:
      return put(...cut, ...cut)
    case 2:
      return put(...cut, choices.pick(STRANGE))
    case 3:
      return put(choices.pick(PIECES))
    case 4:
      return put(...cut, choices.pick(WORDS))
    case 5:
      return put(...cut.toReversed())
    case 6:
      return put(choices.pick(['(', '[', '{', '(x -> ', 'match {_ => ']), ...cut, choices.pick([')', ']', '}', '']))
    case 7: {
      const other = splitTokens(choices.pick(others))
      const from = choices.below(other.length)
      return put(...other.slice(from, from + 1 + choices.below(10)))
    }
    case 8: {
      const times = choices.chance(0.2) ? 2 ** choices.below(11) : 1 + choices.below(5)
      const run = cut.length === 0 ? choices.pick([...STRANGE, ...PIECES]) : cut.join('')
      return put(run.repeat(Math.min(times, Math.ceil(20_000 / run.length))))
    }
    default: {
      const token = cut.join('')
      const place = choices.below(token.length + 1)
      return put(token.slice(0, place), choices.pick([...STRANGE, ...PIECES]), token.slice(place + choices.below(2)))
    }
  }
}

/** Splits a text into its tokens and the text between them. */
function splitTokens(text: string): string[] {
  const parts: string[] = []
  let at = 0
  for (const { start, end } of tokenize(text)) {
    if (start > at) parts.push(text.slice(at, start))
    if (end > start) parts.push(text.slice(start, end))
    at = end
  }
  if (at < text.length) parts.push(text.slice(at))
  return parts
}
