import type { Appended, Extent } from '../../metadata/index.ts'
import type { ObjectStore } from '../../storage/index.ts'

/** The folder of notes on what was committed since the latest manifest. */
export const NOTES_FOLDER = 'commits'

/** With more extents than this that are not noted yet, the oldest are left to the next manifest. */
const MAX_WAITING = 200_000

/**
 * Writes into the bucket now and then which offsets this process's commits have given to its objects: an object is put
 * before its offsets are known, so that it cannot say so itself. Only the rebuilding of metadata reads it.
 */
export class CommitNotes {
  readonly #store: ObjectStore
  #waiting: Extent[] = []

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** Notes commits of this process. */
  add(appended: readonly Appended[]): void {
    for (const { extents } of appended) this.#waiting.push(...extents)
    if (this.#waiting.length > MAX_WAITING) this.#waiting = this.#waiting.slice(-MAX_WAITING)
  }

  /** Writes what was noted; what cannot be written is tried again. Rejects with a StorageError. */
  async write(newKey: () => string): Promise<void> {
    const extents = this.#waiting
    if (extents.length === 0) return
    this.#waiting = []
    const rows = extents.map(extent => [
      extent.key,
      extent.partition,
      extent.baseOffset,
      extent.lastOffset,
      extent.position,
      extent.sizeBytes,
      extent.maxTimestamp,
      extent.appendTimestamp,
    ])
    try {
      await this.#store.put(newKey(), [Buffer.from(JSON.stringify(rows))])
    } catch (error) {
      this.#waiting = [...extents, ...this.#waiting]
      throw error
    }
  }
}

/** The extents of a note. Throws where it is none. */
export function readNote(body: Buffer): Extent[] {
  // Written by CommitNotes.
  const rows = JSON.parse(body.toString()) as [string, number, number, number, number, number, number, number][]
  return rows.map(
    ([key, partition, baseOffset, lastOffset, position, sizeBytes, maxTimestamp, appendTimestamp]): Extent => ({
      key,
      partition,
      baseOffset,
      lastOffset,
      position,
      sizeBytes,
      maxTimestamp,
      appendTimestamp,
    }),
  )
}
