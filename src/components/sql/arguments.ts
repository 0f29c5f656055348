import type { Value } from '../../bloblang/index.ts'
import { StatementError } from './connection.ts'

/** The error for arrays and objects, which no database accepts as an argument. `index` counts from 0. */
export function unsupportedArgument(value: Value, index: number): StatementError {
  const type = Array.isArray(value) ? '[]interface {}, a slice of interface' : 'map[string]interface {}, a map'
  return new StatementError(`sql: converting argument $${index + 1} type: unsupported type ${type}`, '')
}
