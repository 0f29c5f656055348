import type { Corpus } from './corpus.ts'
import { randomDocument, randomObject } from './documents.ts'
import { randomMapping, randomQuery } from './grammar.ts'
import { mutate } from './mutate.ts'
import { Choices } from '../choices.ts'

/** One test case. A seed and a number always produce the same case. */
export interface FuzzCase {
  readonly kind: 'grammar' | 'mutation' | 'untouched' | 'growth'
  /** A mapping, a query for `untouched`, or a text fragment to repeat for `growth`. */
  readonly text: string
  readonly document: string
}

export function makeCase(seed: number, number: number, corpus: Corpus): FuzzCase {
  const choices = new Choices(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b))
  for (let skipped = 0; skipped < 3; skipped++) choices.fraction()
  const document = () => (choices.chance(0.3) ? choices.pick(corpus.documents) : randomDocument(choices))
  const kind = choices.below(100)
  if (kind < 45) return { kind: 'grammar', text: randomMapping(choices, corpus), document: randomObject(choices) }
  if (kind < 90) {
    const origin = choices.chance(0.8) ? choices.pick(corpus.mappings) : randomMapping(choices, corpus)
    return { kind: 'mutation', text: mutate(choices, origin, corpus.mappings), document: document() }
  }
  if (kind < 98) return { kind: 'untouched', text: randomQuery(choices, corpus), document: randomObject(choices) }
  const origin = choices.pick(corpus.mappings)
  const from = choices.below(origin.length)
  const part = origin.slice(from, from + 1 + choices.below(choices.chance(0.5) ? 6 : 40))
  const text = choices.chance(0.3) ? mutate(choices, part, corpus.mappings).slice(0, 2000) : part
  return { kind: 'growth', text: text === '' ? '(' : text, document: '{}' }
}
