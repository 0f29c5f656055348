import type { ObjectStore } from '../../storage/index.ts'

/** Objects are read in aligned ranges of this size; most objects have one or a few of them. */
export const blockBytes = 4 * 1024 * 1024

export interface BlockCacheOptions {
  readonly store: Pick<ObjectStore, 'get'>
  /** The maximum total size of the cached blocks; the least recently used are evicted. */
  readonly maxBytes: number
  /** The maximum number of concurrent block reads. */
  readonly maxReads: number
}

/** Blocks of objects, each read once for all that request it at the same time or soon after. */
export class BlockCache {
  readonly #options: BlockCacheOptions
  /** In order of last use. */
  readonly #blocks = new Map<string, Buffer>()
  readonly #reading = new Map<string, Promise<Buffer>>()
  #sizeBytes = 0

  constructor(options: BlockCacheOptions) {
    this.#options = options
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /**
   * A block, shorter at the end of the object; the buffer must not be modified. Rejects with a StorageError. Undefined
   * if the maximum number of reads is in progress.
   */
  get(key: string, index: number): Promise<Buffer> | undefined {
    const name = `${key}@${index}`
    const known = this.#blocks.get(name)
    if (known !== undefined) {
      this.#blocks.delete(name)
      this.#blocks.set(name, known)
      return Promise.resolve(known)
    }
    const underWay = this.#reading.get(name)
    if (underWay !== undefined) return underWay
    if (this.#reading.size >= this.#options.maxReads) return undefined
    const reading = this.#read(name, key, index)
    this.#reading.set(name, reading)
    return reading
  }

  async #read(name: string, key: string, index: number): Promise<Buffer> {
    try {
      const range = { position: index * blockBytes, length: blockBytes, orLess: true }
      const block = await this.#options.store.get(key, range)
      this.#keep(name, block)
      return block
    } finally {
      this.#reading.delete(name)
    }
  }

  #keep(name: string, block: Buffer): void {
    this.#blocks.set(name, block)
    this.#sizeBytes += block.byteLength
    for (const [oldest, { byteLength }] of this.#blocks) {
      if (this.#sizeBytes <= this.#options.maxBytes) return
      this.#blocks.delete(oldest)
      this.#sizeBytes -= byteLength
    }
  }
}
