import { isObject, utf8Bytes, type Value, type ValueObject, xxhash64, isArray } from '../../bloblang/index.ts'
import type { Message } from '../../engine/index.ts'
import { pathParts, valueAt } from './paths.ts'

export type MergeStrategy = 'array' | 'replace' | 'keep'

export interface JoinOptions {
  /** Whether only documents of the last input are delivered, as they arrive. */
  readonly deliversLast: boolean
  readonly idPath: string
  /** Number of passes that the ids are spread over. */
  readonly iterations: number
  readonly strategy: MergeStrategy
}

type Joined = readonly [document: Value, metadata: ReadonlyMap<string, Value>]

/** Joins documents by id, a fraction of all ids in each pass. */
export class Joiner {
  readonly #options: JoinOptions
  readonly #idPath: readonly string[]
  readonly #joined = new Map<string, { document: ValueObject; readonly metadata: Map<string, Value> }>()
  #iteration = 0

  constructor(options: JoinOptions) {
    this.#options = options
    this.#idPath = pathParts(options.idPath)
  }

  /**
   * Adds a message; returns the joined document if it is to be delivered now. Messages without a string id are dropped.
   */
  add(message: Message, isLast: boolean): Joined | null {
    const document = objectOf(message)
    const id = document === null ? null : valueAt(document, this.#idPath)
    if (document === null || typeof id !== 'string' || id === '') return null
    if (Number(xxhash64(utf8Bytes(id)) % BigInt(this.#options.iterations)) !== this.#iteration) return null
    const known = this.#joined.get(id)
    const entry = known ?? { document, metadata: new Map<string, Value>() }
    if (known === undefined) this.#joined.set(id, entry)
    else entry.document = merge(entry.document, without(document, this.#idPath), this.#options.strategy)
    for (const [key, value] of message.metadata) entry.metadata.set(key, value)
    return this.#options.deliversLast && isLast ? [entry.document, new Map(entry.metadata)] : null
  }

  /** The documents to deliver at the end of a pass. */
  finish(): readonly Joined[] {
    const joined = [...this.#joined.values()]
    this.#joined.clear()
    return this.#options.deliversLast ? [] : joined.map(({ document, metadata }) => [document, metadata] as const)
  }

  /** Advances to the next pass; false if there is none. */
  nextIteration(): boolean {
    this.#iteration++
    return this.#iteration < this.#options.iterations
  }
}

function objectOf(message: Message): ValueObject | null {
  try {
    const document = message.structured()
    return isObject(document) ? document : null
  } catch {
    // Anything that is not a document has no id, and is dropped like documents without one.
    return null
  }
}

/**
 * Merges two documents; fields of both are merged recursively if they are objects, otherwise according to the strategy.
 */
function merge(left: ValueObject, right: ValueObject, strategy: MergeStrategy): ValueObject {
  const result: Record<string, Value> = { ...left }
  for (const [key, value] of Object.entries(right)) {
    if (!Object.hasOwn(result, key)) result[key] = value
    else result[key] = collided(result[key]!, value, strategy)
  }
  return result
}

function collided(left: Value, right: Value, strategy: MergeStrategy): Value {
  if (isObject(left) && isObject(right)) return merge(left, right, strategy)
  switch (strategy) {
    case 'array':
      return [...listOf(left), ...listOf(right)]
    case 'replace':
      return right
    case 'keep':
      return left
  }
}

function listOf(value: Value): readonly Value[] {
  return isArray(value) ? value : [value]
}

function without(document: ValueObject, path: readonly string[]): ValueObject {
  const [part, ...rest] = path
  if (part === undefined || !Object.hasOwn(document, part)) return document
  const copy: Record<string, Value> = { ...document }
  const child = copy[part]!
  if (rest.length === 0) delete copy[part]
  else if (isObject(child)) copy[part] = without(child, rest)
  return copy
}
