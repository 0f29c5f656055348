import type { Appended, Extent } from '../../metadata/index.ts'
import type { ObjectStore } from '../../storage/index.ts'

/** The folder of notes on commits since the latest manifest. */
export const NOTES_FOLDER = 'commits'

/** Beyond this many extents without a note, the oldest are left to the next manifest. */
const MAX_WAITING = 200_000

/**
 * Periodically writes to the bucket which offsets this process's commits assigned to its objects: an object is put
 * before its offsets are known, so it cannot contain them. Only the rebuilding of metadata reads the notes.
 */
export class CommitNotes {
  readonly #store: ObjectStore
  #waiting: Extent[] = []

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** Records commits of this process. */
  add(appended: readonly Appended[]): void {
    for (const { extents } of appended) this.#waiting.push(...extents)
    if (this.#waiting.length > MAX_WAITING) this.#waiting = this.#waiting.slice(-MAX_WAITING)
  }

  /** Writes the recorded commits; if that fails they are kept for the next attempt. Rejects with a StorageError. */
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

/** Parses the extents of a note. Throws if it is not one. */
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
