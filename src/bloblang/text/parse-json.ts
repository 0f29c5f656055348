import { MappingError } from '../errors.ts'
import { visitLeaves } from '../data/deep.ts'
import { isTooDeep, withFloats } from '../json/parse.ts'
import { JsonScanner, UNEXPECTED_END } from '../json/scan.ts'
import { JsonNumber, type Value } from '../value.ts'

/** Texts that `JSON.parse` may read differently: with halves of surrogate pairs, or numbers beyond float64. */
const NEEDS_CARE = /\\u[dD]|\d[eE]|\d{300}/

/** Parses the first JSON value of a text; the rest is ignored. Numbers become floats or keep their text. */
export function parseFirstJson(text: string, keepsNumbers: boolean): Value {
  try {
    if (!keepsNumbers && !NEEDS_CARE.test(text) && !isTooDeep(text)) {
      try {
        return withFloats(JSON.parse(text) as Value) // withFloats takes what JSON.parse returns
      } catch {
        // The scanner finds the same error and words it, or reads the first of several values.
      }
    }
    const value = scanFirst(text.isWellFormed() ? text : text.toWellFormed())
    return keepsNumbers ? value : withFloats(checked(value))
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`failed to parse value as JSON: ${error.message}`)
    throw error
  }
}

/** The first value of a text; the rest is ignored, and a premature end is worded as for Go's streams. */
export function scanFirst(text: string): Value {
  const scanner = new JsonScanner(text)
  scanner.skipSpace()
  if (scanner.atEnd) throw new MappingError('EOF')
  try {
    return scanner.value()
  } catch (error) {
    throw error === UNEXPECTED_END ? new MappingError('unexpected EOF') : error
  }
}

/** A number too large for float64 is an error rather than an infinity. */
function checked(value: Value): Value {
  visitLeaves(value, leaf => {
    if (leaf instanceof JsonNumber && !Number.isFinite(Number(leaf.text))) {
      throw new MappingError(`json: cannot unmarshal number ${leaf.text} into Go value of type float64`)
    }
  })
  return value
}
