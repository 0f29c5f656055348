import { MappingError } from '../errors.ts'
import { visitLeaves } from '../data/deep.ts'
import { isTooDeep, withFloats } from '../json/parse.ts'
import { JsonScanner, UNEXPECTED_END } from '../json/scan.ts'
import { JsonNumber, type Value } from '../value.ts'

/** What `JSON.parse` might read differently: halves of surrogate pairs, numbers beyond float64. */
const NEEDS_CARE = /\\u[dD]|\d[eE]|\d{300}/

/** The first JSON value of a text; what follows is not looked at. Numbers become floats, or keep their text. */
export function parseFirstJson(text: string, keepsNumbers: boolean): Value {
  try {
    if (!keepsNumbers && !NEEDS_CARE.test(text) && !isTooDeep(text)) {
      try {
        return withFloats(JSON.parse(text) as Value) // withFloats takes what JSON.parse makes
      } catch {
        // The scanner finds the same fault and words it, or reads the first of several values.
      }
    }
    const value = scanFirst(text.isWellFormed() ? text : text.toWellFormed())
    return keepsNumbers ? value : withFloats(checked(value))
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`failed to parse value as JSON: ${error.message}`)
    throw error
  }
}

/** The first value of a text; what follows it is not looked at, and what ends too early is worded as for Go's streams. */
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

/** A float64 that a number does not fit in is an error, not an infinity. */
function checked(value: Value): Value {
  visitLeaves(value, leaf => {
    if (leaf instanceof JsonNumber && !Number.isFinite(Number(leaf.text))) {
      throw new MappingError(`json: cannot unmarshal number ${leaf.text} into Go value of type float64`)
    }
  })
  return value
}
