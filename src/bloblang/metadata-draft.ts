import { type Value, DELETED } from './value.ts'

/**
 * The metadata of a message while a mapping writes to it: a view of the original until the first change. One draft is
 * reused for all messages.
 */
export class MetadataDraft {
  #base: ReadonlyMap<string, Value> = new Map()
  #edited: Map<string, Value> | null = null

  /** Starts over with the metadata of another message. */
  reset(base: ReadonlyMap<string, Value>): this {
    this.#base = base
    this.#edited = null
    return this
  }

  /** The current metadata; the very map given to `reset` if nothing was changed. */
  get current(): ReadonlyMap<string, Value> {
    return this.#edited ?? this.#base
  }

  get changed(): boolean {
    return this.#edited !== null
  }

  get(key: string): Value {
    const value = this.current.get(key)
    return value === undefined ? null : value
  }

  /** Sets a key, or removes it if the value is `DELETED`. */
  set(key: string, value: Value): void {
    this.#edited ??= new Map(this.#base)
    if (value === DELETED) this.#edited.delete(key)
    else this.#edited.set(key, value)
  }

  /** Replaces all entries. */
  replace(entries: Iterable<readonly [string, Value]>): void {
    this.#edited = new Map(entries)
  }
}
