import { visitLeaves } from '../data/deep.ts'
import { MappingError } from '../errors.ts'
import { Float, type Value } from '../value.ts'

/** Rejects values that JSON cannot represent: numbers that are not finite. */
export function checkJson(value: Value): void {
  visitLeaves(value, checkNumber)
}

function checkNumber(value: Value): void {
  if (!(value instanceof Float) || Number.isFinite(value.value)) return
  const shown = Number.isNaN(value.value) ? 'NaN' : value.value > 0 ? '+Inf' : '-Inf'
  throw new MappingError(`json: unsupported value: ${shown}`)
}
