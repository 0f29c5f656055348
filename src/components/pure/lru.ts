import { Buffer } from 'node:buffer'
import type { Cache } from '../../engine/index.ts'

/** Keeps the most recently used items. */
export class LruCache implements Cache {
  readonly #items = new Map<string, { readonly value: Uint8Array; readonly expiresAt: number }>()
  readonly #capacity: number
  readonly #ttlMs: number
  readonly #now: () => number

  /** With `ttlMs` 0, items live until they are evicted. */
  constructor(capacity: number, ttlMs: number, initial: Readonly<Record<string, string>>, now: () => number) {
    this.#capacity = capacity
    this.#ttlMs = ttlMs
    this.#now = now
    for (const [key, value] of Object.entries(initial)) this.set(key, Buffer.from(value, 'utf8'))
  }

  get(key: string): Uint8Array | undefined {
    const item = this.#items.get(key)
    if (item === undefined) return undefined
    this.#items.delete(key)
    if (item.expiresAt <= this.#now()) return undefined
    this.#items.set(key, item)
    return item.value
  }

  set(key: string, value: Uint8Array, ttlMs?: number): void {
    this.#items.delete(key)
    const lifeMs = ttlMs ?? this.#ttlMs
    this.#items.set(key, { value, expiresAt: lifeMs > 0 ? this.#now() + lifeMs : Infinity })
    while (this.#items.size > this.#capacity) this.#items.delete(this.#items.keys().next().value!)
  }

  add(key: string, value: Uint8Array, ttlMs?: number): boolean {
    // Checking whether a key exists does not count as a use.
    const item = this.#items.get(key)
    if (item !== undefined && item.expiresAt > this.#now()) return false
    this.set(key, value, ttlMs)
    return true
  }

  delete(key: string): void {
    this.#items.delete(key)
  }
}
