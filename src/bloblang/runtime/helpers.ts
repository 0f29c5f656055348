import { equals } from '../data/equality.ts'
import { MappingError, WrongTypeError } from '../errors.ts'
import { describeWrongType } from '../data/errors.ts'
import { searchPath } from '../data/objects.ts'
import { utf8Text } from '../text/bytes.ts'
import { annotated } from '../compiler/library.ts'
import { readArgument } from '../syntax/arguments.ts'
import { goTypeName, toPlainText } from '../text/go-value.ts'
import { DELETED, NOTHING, type Value, setOwn, isNull } from '../value.ts'
import { assign, gather } from './assign.ts'
import { describe, failedAssignment, MAX_MAP_DEPTH, overflow, within } from './errors.ts'
import type { Frame } from './frame.ts'
import * as operators from './operators.ts'
import { elementAt, slice } from './sequence.ts'

/** Fails with a text known at compile time; the value is evaluated first, because that may fail too. */
function fail(message: string, _value?: Value): never {
  throw new MappingError(message)
}

function read(value: Value | undefined, path: readonly string[]): Value {
  return value === undefined ? null : (searchPath(value, path) ?? null)
}

function not(value: Value, annotation: string): boolean {
  if (typeof value === 'boolean') return !value
  throw new MappingError(describeWrongType(new WrongTypeError(['bool'], value), annotation), 'closed')
}

/** The condition of an if expression: null counts as false. */
function condition(value: Value, annotation: string): boolean {
  return value === null ? false : strictCondition(value, annotation)
}

/** The condition of an if statement. */
function strictCondition(value: Value, annotation: string): boolean {
  if (typeof value === 'boolean') return value
  throw new MappingError(`${annotation} resolved to a non-boolean value ${toPlainText(value)} (${goTypeName(value)})`)
}

/** The value of a query, or null if it is null or fails. */
function attempt(query: () => Value): Value {
  try {
    const value = query()
    return isNull(value) ? null : value
  } catch (error) {
    describe(error)
    return null
  }
}

function caught(query: () => Value, fallback: (text: string) => Value): Value {
  let text: string
  try {
    return query()
  } catch (error) {
    text = describe(error)
  }
  return fallback(text)
}

function list(items: readonly Value[]): readonly Value[] {
  return items.filter(item => item !== DELETED && item !== NOTHING)
}

function record(entries: readonly (readonly [string, Value])[]): Value {
  const object: Record<string, Value> = {}
  for (const [key, value] of entries) {
    if (value !== DELETED && value !== NOTHING) setOwn(object, key, value)
  }
  return object
}

function objectKey(value: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return utf8Text(value)
  throw new MappingError(`mapping returned invalid key type: ${goTypeName(value)}`)
}

function fieldValue(key: string, query: () => Value): Value {
  try {
    return query()
  } catch (error) {
    throw within(
      error,
      [
        { prefix: null, parent: 0, line: 0 },
        { prefix: `failed to resolve '${key}' value`, parent: 0, line: 0 },
      ],
      1,
    )
  }
}

/** A variable with a computed name. */
function variableNamed(variables: Readonly<Record<string, Value | undefined>>, name: string): Value {
  return variables[name] ?? (variables[name] === null ? null : fail(`variable '${name}' undefined`))
}

/** `.from(n)`: functions that read the message read another message of the batch. */
function fromIndex(frame: Frame, index: bigint, query: () => Value): Value {
  const outer = frame.index
  frame.index = Number(index)
  try {
    return query()
  } finally {
    frame.index = outer
  }
}

function fromAll(frame: Frame, query: () => Value): Value {
  return frame.batch.map((_, index) => fromIndex(frame, BigInt(index), query))
}

function noMap(_target: Value, message: string): never {
  return fail(message)
}

/** `.apply(name)` with a computed name. */
function applyNamed(
  maps: ReadonlyMap<string, (self: Value) => Value> | null,
  name: string,
  target: () => Value,
): Value {
  const self = target()
  if (maps === null) return fail('no maps were found')
  const map = maps.get(name)
  return map === undefined ? fail(`map ${name} was not found`) : map(self)
}

/** Everything a generated program may call, by name. */
export const HELPERS: Readonly<Record<string, unknown>> = {
  ...operators,
  annotated,
  applyNamed,
  assign,
  attempt,
  caught,
  condition,
  DELETED,
  elementAt,
  equals,
  fail,
  failedAssignment,
  fieldValue,
  fromAll,
  fromIndex,
  gather,
  list,
  MAX_MAP_DEPTH,
  noMap,
  not,
  NOTHING,
  objectKey,
  overflow,
  read,
  readArgument,
  record,
  slice,
  strictCondition,
  variableNamed,
  within,
}
