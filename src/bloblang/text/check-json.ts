import { MappingError } from '../errors.ts'
import { Float, isObject, type Value } from '../value.ts'

/** Refuses what JSON has no form for: numbers that are not finite. */
export function checkJson(value: Value): void {
  if (value instanceof Float && !Number.isFinite(value.value)) {
    const shown = Number.isNaN(value.value) ? 'NaN' : value.value > 0 ? '+Inf' : '-Inf'
    throw new MappingError(`json: unsupported value: ${shown}`)
  }
  if (Array.isArray(value)) for (const element of value as readonly Value[]) checkJson(element)
  else if (isObject(value)) for (const field of Object.values(value)) checkJson(field)
}
