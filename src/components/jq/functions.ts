import { messageOf } from '../../base/index.ts'
import {
  elementsOf,
  fieldOf,
  isArray,
  isMap,
  isNumber,
  JqError,
  type Json,
  jsonOf,
  jsonText,
  numberOf,
  preview,
  sortedKeys,
  typedPreview,
  typeOf,
} from './json.ts'
import { parseJson } from '../../bloblang/index.ts'
import { formatted } from './formats.ts'
import { mathFunctions } from './math.ts'
import { add, compare } from './operators.ts'
import { deletePaths, getPath, positionsOf, setPath } from './paths.ts'
import { lengthOf, matchesOf, splitBy, testsPattern } from './regex.ts'

/** A function that returns one value for its input and arguments. Throws `JqError`. */
export type PlainFunction = (input: Json, ...args: Json[]) => Json

/** By name and number of arguments: `split/2`. */
export const plainFunctions: Readonly<Record<string, PlainFunction>> = {
  ...mathFunctions,
  'abs/0': input => (isNumber(input) ? (input < 0 ? add(0, negated(input)) : input) : refuse('abs', input)),
  'add/0': total,
  'ascii_downcase/0': input => textOf('ascii_downcase', input).replaceAll(/[A-Z]+/g, part => part.toLowerCase()),
  'ascii_upcase/0': input => textOf('ascii_upcase', input).replaceAll(/[a-z]+/g, part => part.toUpperCase()),
  'bsearch/1': searched,
  'contains/1': contains,
  'delpaths/1': deletePaths,
  'endswith/1': (input, end) => {
    if (typeof input !== 'string' || typeof end !== 'string') return refuseWith('endswith', input, end)
    return input.endsWith(end)
  },
  'explode/0': input => [...textOf('explode', input)].map(character => character.codePointAt(0)!),
  'flatten/0': input => flattened(input, Number.POSITIVE_INFINITY),
  'flatten/1': (input, depth) => {
    if (!isNumber(depth)) return refuse('flatten', depth)
    if (depth < 0) throw new JqError(`flatten depth should not be negative: ${preview(depth)}`)
    return flattened(input, Number(depth))
  },
  'format/1': (input, name) => formatted(`@${textOf('format', name)}`, input),
  'from_entries/0': fromEntries,
  'fromjson/0': input => {
    const text = textOf('fromjson', input)
    try {
      return jsonOf(parseJson(text))
    } catch (error) {
      throw new JqError(`fromjson cannot be applied to ${preview(input)}: ${messageOf(error)}`)
    }
  },
  'getpath/1': getPath,
  'has/1': has,
  'implode/0': imploded,
  'index/1': (input, part) => positions('index', input, part)?.[0] ?? null,
  'indices/1': (input, part) => positions('indices', input, part) ?? null,
  'join/1': joined,
  'keys/0': input => {
    if (isArray(input)) return [...input.keys()]
    return isMap(input) ? sortedKeys(input) : refuse('keys', input)
  },
  'length/0': measured,
  'ltrim/0': input => textOf('trim', input).trimStart(),
  'ltrimstr/1': (input, start) => {
    if (typeof input !== 'string' || typeof start !== 'string') return refuseWith('ltrimstr', input, start)
    return input.startsWith(start) ? input.slice(start.length) : input
  },
  'max/0': input => extreme(listOf('max', input), input as readonly Json[], 1), // listOf rejects everything but arrays
  'min/0': input => extreme(listOf('min', input), input as readonly Json[], -1), // listOf rejects everything but arrays
  'reverse/0': input => listOf('reverse', input).toReversed(),
  'rindex/1': (input, part) => positions('rindex', input, part)?.at(-1) ?? null,
  'rtrim/0': input => textOf('trim', input).trimEnd(),
  'rtrimstr/1': (input, end) => {
    if (typeof input !== 'string' || typeof end !== 'string') return refuseWith('rtrimstr', input, end)
    return end !== '' && input.endsWith(end) ? input.slice(0, -end.length) : input
  },
  'setpath/2': setPath,
  'sort/0': input => listOf('sort', input).toSorted(compare),
  'split/1': (input, by) => textOf('split', input).split(textOf('split', by)),
  'split/2': (input, pattern, flags) =>
    splitBy(textOf('split', input), textOf('split', pattern), flags === null ? '' : textOf('split', flags!)),
  'startswith/1': (input, start) => {
    if (typeof input !== 'string' || typeof start !== 'string') return refuseWith('startswith', input, start)
    return input.startsWith(start)
  },
  'to_entries/0': input => {
    if (isArray(input)) return input.map((value, key) => ({ key, value }))
    return isMap(input) ? sortedKeys(input).map(key => ({ key, value: input[key]! })) : refuse('to_entries', input)
  },
  'tojson/0': jsonText,
  'tonumber/0': toNumber,
  'tostring/0': input => (typeof input === 'string' ? input : jsonText(input)),
  'transpose/0': transposed,
  'trim/0': input => textOf('trim', input).trim(),
  'type/0': typeOf,
  'unique/0': input => distinct(listOf('unique', input).toSorted(compare)),
  'utf8bytelength/0': input => Buffer.byteLength(textOf('utf8bytelength', input)),
  'test/1': (input, pattern) => testsPattern(input, pattern!, null),
  'test/2': testsPattern,
  // An interface lacks the index signature of a document.
  'match/1': (input, pattern) => matchesOf(input, pattern!, null) as unknown as Json,
  // An interface lacks the index signature of a document.
  'match/2': (input, pattern, flags) => matchesOf(input, pattern!, flags!) as unknown as Json,
}

/** Functions that return an array whose elements are the results. */
export const spreads: ReadonlySet<string> = new Set(['match/1', 'match/2'])

/** Functions that sort by the results of an expression for each element. */
export const keyedFunctions: Readonly<
  Record<string, (input: Json, keysOf: (list: readonly Json[]) => readonly Json[]) => Json>
> = {
  'sort_by/1': (input, keysOf) => ordered('sort_by', input, keysOf).map(({ value }) => value),
  'group_by/1': (input, keysOf) => groups(ordered('group_by', input, keysOf)),
  'unique_by/1': (input, keysOf) => groups(ordered('unique_by', input, keysOf)).map(group => group[0]!),
  'min_by/1': (input, keysOf) => {
    const list = listOf('min_by', input)
    return extreme(keysOf(list), list, -1)
  },
  'max_by/1': (input, keysOf) => {
    const list = listOf('max_by', input)
    return extreme(keysOf(list), list, 1)
  },
}

interface Keyed {
  readonly key: Json
  readonly value: Json
}

function ordered(name: string, input: Json, keysOf: (list: readonly Json[]) => readonly Json[]): readonly Keyed[] {
  const list = listOf(name, input)
  const keys = keysOf(list)
  return list.map((value, at) => ({ key: keys[at]!, value })).toSorted((left, right) => compare(left.key, right.key))
}

function groups(items: readonly Keyed[]): readonly (readonly Json[])[] {
  const result: Json[][] = []
  for (const [at, { key, value }] of items.entries()) {
    if (at > 0 && compare(items[at - 1]!.key, key) === 0) result.at(-1)!.push(value)
    else result.push([value])
  }
  return result
}

function distinct(sorted: readonly Json[]): readonly Json[] {
  return sorted.filter((item, at) => at === 0 || compare(sorted[at - 1]!, item) !== 0)
}

function extreme(keys: readonly Json[], list: readonly Json[], sign: 1 | -1): Json {
  if (list.length === 0) return null
  let found = 0
  for (let at = 1; at < list.length; at++) {
    const order = compare(keys[found]!, keys[at]!)
    if (sign > 0 ? order <= 0 : order > 0) found = at
  }
  return list[found]!
}

/** Throws an error that says the function does not accept this input. */
export function refuse(name: string, value: Json | undefined): never {
  throw new JqError(`${name} cannot be applied to: ${typedPreview(value ?? null)}`)
}

function refuseWith(name: string, input: Json, arg: Json | undefined): never {
  throw new JqError(`${name}(${preview(arg ?? null)}) cannot be applied to: ${typedPreview(input)}`)
}

function textOf(name: string, value: Json | undefined): string {
  return typeof value === 'string' ? value : refuse(name, value)
}

function listOf(name: string, value: Json): readonly Json[] {
  return isArray(value) ? value : refuse(name, value)
}

function negated(value: number | bigint): number | bigint {
  return -value
}

function total(input: Json): Json {
  const elements = elementsOf(input) ?? refuse('add', input)
  // Any number of strings or arrays are concatenated in one step.
  if (elements.length > 2 && elements.every(item => typeof item === 'string')) return elements.join('')
  if (elements.length > 2 && elements.every(isArray)) return elements.flat()
  if (elements.length > 2 && elements.every(isMap)) return Object.assign({}, ...elements)
  return elements.reduce(add, null)
}

function searched(input: Json, wanted: Json | undefined): Json {
  if (!isArray(input)) return refuseWith('bsearch', input, wanted)
  let [low, high] = [0, input.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(input[middle]!, wanted!) < 0) low = middle + 1
    else high = middle
  }
  return low < input.length && compare(input[low]!, wanted!) === 0 ? low : -low - 1
}

function contains(left: Json, right: Json | undefined): Json {
  if (isNumber(left) && isNumber(right!)) return compare(left, right) === 0
  if (typeof left === 'string' && typeof right === 'string') return left.includes(right)
  if (isArray(left) && isArray(right!)) return right.every(item => left.some(other => contains(other, item) === true))
  if (isMap(left) && isMap(right!)) {
    if (Object.keys(left).length < Object.keys(right).length) return false
    return Object.keys(right).every(key => Object.hasOwn(left, key) && contains(left[key]!, right[key]) === true)
  }
  return left === right ? true : refuseWith('contains', left, right)
}

function flattened(input: Json, depth: number): Json {
  const elements = elementsOf(input) ?? refuse('flatten', input)
  return flatten(elements, depth)
}

function flatten(elements: readonly Json[], depth: number): Json[] {
  return elements.flatMap(item => (depth > 0 && isArray(item) ? flatten(item, depth - 1) : [item]))
}

function fromEntries(input: Json): Json {
  const entries = listOf('from_entries', input).map((entry): readonly [string, Json] => {
    if (!isMap(entry)) return refuse('from_entries', entry)
    const name = ['key', 'Key', 'name', 'Name']
      .map(key => fieldOf(entry, key))
      .find(key => key !== null && key !== false)
    if (typeof name !== 'string') {
      const reason = `expected a string for object key but got: ${typedPreview(name ?? null)}`
      throw new JqError(`from_entries cannot be applied to ${preview(input)}: ${reason}`)
    }
    const holder = ['value', 'Value'].find(key => Object.hasOwn(entry, key))
    return [name, holder === undefined ? null : entry[holder]!]
  })
  return Object.fromEntries(entries)
}

function has(input: Json, key: Json | undefined): Json {
  if (isArray(input) && isNumber(key!)) return key >= 0 && key < input.length
  if (isMap(input) && typeof key === 'string') return Object.hasOwn(input, key)
  return input === null ? false : refuseWith('has', input, key)
}

function imploded(input: Json): Json {
  const points = listOf('implode', input)
  if (!points.every(isNumber)) return refuse('implode', input)
  const character = (point: number) => (point >= 0 && point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd')
  return points.map(point => character(Math.trunc(Number(point)))).join('')
}

function positions(name: string, input: Json, part: Json | undefined): readonly number[] | null {
  if (input === null) return null
  if (isArray(input)) return positionsOf(input, isArray(part!) ? part : [part!])
  if (typeof input === 'string' && typeof part === 'string') return positionsIn(input, part)
  return refuseWith(name, input, part)
}

function positionsIn(text: string, part: string): readonly number[] {
  const found: number[] = []
  if (part === '') return found
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) found.push(lengthOf(text.slice(0, at)))
  return found
}

function joined(input: Json, separator: Json | undefined): Json {
  const elements = elementsOf(input) ?? refuseWith('join', input, separator)
  if (elements.length === 0) return ''
  if (elements.length > 1 && typeof separator !== 'string') return refuseWith('join', input, separator)
  const parts = elements.map(item => {
    if (item === null) return ''
    if (typeof item === 'object')
      throw new JqError(`join cannot be applied to an array including: ${typedPreview(item)}`)
    return typeof item === 'string' ? item : jsonText(item)
  })
  return parts.join(separator as string) // other types were rejected above
}

function measured(input: Json): Json {
  if (input === null) return 0
  if (isNumber(input)) return input < 0 ? negated(input) : input
  if (typeof input === 'string') return lengthOf(input)
  if (typeof input === 'boolean') return refuse('length', input)
  return isArray(input) ? input.length : Object.keys(input).length
}

function toNumber(input: Json): Json {
  if (isNumber(input)) return input
  if (typeof input !== 'string') return refuse('tonumber', input)
  if (/^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(input)) return numberOf(input.replace(/^\+/, ''))
  throw new JqError(`tonumber cannot be applied to ${preview(input)}: invalid number`)
}

function transposed(input: Json): Json {
  const rows = listOf('transpose', input)
  if (!rows.every(isArray)) return refuse('transpose', input)
  const width = Math.max(0, ...rows.map(row => row.length))
  return Array.from({ length: width }, (_, column) => rows.map(row => row[column] ?? null))
}
