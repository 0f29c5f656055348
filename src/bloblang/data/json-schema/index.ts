import { isObject } from '../../value.ts'
import { parseJson } from '../../json/parse.ts'
import { printJson } from '../../json/print.ts'
import { scanFirst } from '../../text/parse-json.ts'
import type { Value } from '../../value.ts'
import { isArray } from '../coerce.ts'
import { within } from '../errors.ts'
import { compileSchema } from './compile.ts'
import { type Violation, validate } from './validate.ts'

/** A compiled schema for checking documents. */
export interface JsonSchema {
  /** The violations as text, one per line; null if the document is valid. */
  explain(document: Value): string | null
}

/** Compiles a JSON schema of draft 4, 6 or 7. Throws `failed to parse json schema definition: …`. */
export function parseJsonSchema(text: string): JsonSchema {
  const schema = readSchema(text)
  return {
    explain(document) {
      const violations = validate(schema, isDocument(document) ? document : parseJson(printJson(document)))
      return violations.length === 0 ? null : violations.map(describe).join('\n')
    },
  }
}

function readSchema(text: string) {
  try {
    return compileSchema(scanFirst(text))
  } catch (error) {
    throw within('failed to parse json schema definition', error)
  }
}

/**
 * Everything in lower case except the property name, which comes first as in the original and may be repeated later.
 */
function describe({ field, description, property = '' }: Violation): string {
  const text = description.toLowerCase().replace('\0', () => property.toLowerCase())
  return `${field} ${property}${text}`
}

/** Whether the value consists only of what JSON text can hold, with numbers as text. */
function isDocument(value: Value): boolean {
  if (isArray(value)) return value.every(isDocument)
  if (isObject(value)) return Object.values(value).every(isDocument)
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
