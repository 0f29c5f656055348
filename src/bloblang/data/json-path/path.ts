import { isObject } from '../../value.ts'
import { MappingError } from '../../errors.ts'
import { goTypeName, toPlainText } from '../../text/go-value.ts'
import type { Value } from '../../value.ts'
import { isArray } from '../coerce.ts'
import { sortedKeys } from '../text-order.ts'
import { toIndex, toTruth } from './values.ts'

/** An expression applied to the document; `current` is the value of `@`. */
export type Expression = (root: Value, current: Value) => Value

/** A step of a path: to exactly one value, which must exist, or to any number of them. */
export type Step =
  | { readonly kind: 'one'; readonly select: (root: Value, value: Value) => Value }
  | { readonly kind: 'many'; readonly select: (root: Value, value: Value, found: (value: Value) => void) => void }

/** A path that starts at `$` or `@`. Without wildcards it yields its value, otherwise an array of all matches. */
export function pathExpression(steps: readonly Step[], fromCurrent: boolean): Expression {
  const isPlain = steps.every(({ kind }) => kind === 'one')
  return (root, current) => {
    const start = fromCurrent ? current : root
    // `isPlain` means that every step selects one value.
    if (isPlain) return steps.reduce((value, step) => (step as Step & { kind: 'one' }).select(root, value), start)
    const found: Value[] = []
    follow(steps, 0, root, start, found)
    return found
  }
}

/** A single member by its key, which must exist. */
export function directStep(key: Expression): Step {
  return { kind: 'one', select: (root, value) => selectMember(key, root, value) }
}

/** Missing keys are skipped. Without any keys, all members are selected. */
export function multipleStep(keys: readonly Expression[]): Step {
  if (keys.length === 0) return STAR_STEP
  return {
    kind: 'many',
    select(root, value, found) {
      for (const key of keys) {
        const member = attempt(() => selectMember(key, root, value))
        if (member !== undefined) found(member)
      }
    },
  }
}

/** All members of an array or object. */
export const STAR_STEP: Step = {
  kind: 'many',
  select: (_, value, found) => {
    for (const member of membersOf(value)) found(member)
  },
}

/** The value itself and all its descendants. */
export const DESCENDANTS_STEP: Step = { kind: 'many', select: (_, value, found) => visitDescendants(value, found) }

/** Members for which the condition fails to evaluate are skipped. */
export function filterStep(condition: Expression): Step {
  return {
    kind: 'many',
    select(root, value, found) {
      for (const member of membersOf(value)) {
        if (attempt(() => readTruth(condition(root, member))) === true) found(member)
      }
    },
  }
}

/** `[min:max:step]`; negative bounds count from the end. */
export function rangeStep(minimum: Expression, maximum: Expression, stride: Expression): Step {
  return {
    kind: 'many',
    select(root, value, found) {
      if (!isArray(value)) return
      const bounds = attempt(() => [minimum, maximum, stride].map(bound => toIndex(bound(root, value))))
      if (bounds === undefined) return
      const [min, max, step] = bounds as [number, number, number] // three bounds were read above
      if (min > max) return
      const from = withinLength(min, value.length)
      const to = withinLength(max, value.length)
      if (step >= 0) for (let at = from; at < to; at += step || 1) found(value[at]!)
      else for (let at = to - 1; at >= from; at += step) found(value[at]!)
    },
  }
}

/** `(expression)`: its value replaces the matches found so far. */
export function scriptStep(script: Expression): Step {
  return { kind: 'one', select: script }
}

function follow(steps: readonly Step[], at: number, root: Value, value: Value, found: Value[]): void {
  const step = steps[at]
  if (step === undefined) found.push(value)
  else if (step.kind === 'many') step.select(root, value, member => follow(steps, at + 1, root, member, found))
  else {
    const next = attempt(() => step.select(root, value))
    if (next !== undefined) follow(steps, at + 1, root, next, found)
  }
}

function selectMember(key: Expression, root: Value, value: Value): Value {
  if (isArray(value)) {
    const index = wordKey(() => toIndex(key(root, value)))
    if (index < 0 || index >= value.length) throw new MappingError(`index ${index} out of bounds`)
    return value[index]!
  }
  if (isObject(value)) {
    const name = wordKey(() => toPlainText(key(root, value)))
    if (!Object.hasOwn(value, name)) throw new MappingError(`unknown key ${name}`)
    return value[name]!
  }
  throw new MappingError(
    `unsupported value type ${goTypeName(value)} for select, expected map[string]interface{} or []interface{}`,
  )
}

function wordKey<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`could not select value, invalid key: ${error.message}`)
    throw error
  }
}

function membersOf(value: Value): readonly Value[] {
  if (isArray(value)) return value
  return isObject(value) ? sortedKeys(value).map(key => value[key]!) : []
}

function visitDescendants(value: Value, found: (value: Value) => void): void {
  found(value)
  for (const member of membersOf(value)) visitDescendants(member, found)
}

function readTruth(value: Value): boolean {
  const truth = toTruth(value)
  if (truth === null) throw new MappingError(`expected bool but got ${toPlainText(value)} (${goTypeName(value)})`)
  return truth
}

function withinLength(index: number, length: number): number {
  return index < 0 ? Math.max(length + index, 0) : Math.min(index, length)
}

function attempt<T>(step: () => T): T | undefined {
  try {
    return step()
  } catch (error) {
    if (error instanceof MappingError) return undefined
    throw error
  }
}
