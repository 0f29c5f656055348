import { MappingError, WrongTypeError } from '../errors.ts'
import type { Value } from '../value.ts'
import { sprintf } from './go-format.ts'
import { getString } from '../data/coerce.ts'
import { describeWrongType } from '../data/errors.ts'

/** Checks an array of replacements and returns its pairs. */
export function replacementPairs(values: readonly Value[]): readonly (readonly [string, string])[] {
  if (values.length % 2 !== 0) {
    const shown = sprintf('%v', [values])
    throw new MappingError(`invalid arg, replacements should be in pairs and must therefore be even: ${shown}`)
  }
  const texts = values.map(text)
  return texts.flatMap((old, i) => (i % 2 === 0 ? [[old, texts[i + 1]!] as const] : []))
}

function text(value: Value, index: number): string {
  try {
    return getString(value)
  } catch (error) {
    if (!(error instanceof WrongTypeError)) throw error
    throw new MappingError(`invalid replacement value at index ${index}: ${describeWrongType(error)}`)
  }
}
