import type { ObjectStore } from '../../storage/index.ts'

/** Objects are read in ranges of this size, aligned to it; most objects are one or a few of them. */
export const blockBytes = 4 * 1024 * 1024

export interface BlockCacheOptions {
  readonly store: Pick<ObjectStore, 'get'>
  /** How many bytes of blocks are kept, those that were used last. */
  readonly maxBytes: number
  /** How many blocks are read at the same time. */
  readonly maxReads: number
}

/** Blocks of objects, each read once for all who ask for it at the same time or soon after. */
export class BlockCache {
  readonly #options: BlockCacheOptions
  /** In the order of their last use. */
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
   * A block, shorter where the object ends in it; not to be changed. Rejects with a StorageError. Undefined while as many
   * blocks are being read as may be.
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
