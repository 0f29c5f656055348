import type { Appended, Extent } from '../../metadata/index.ts'
import type { ObjectStore } from '../../storage/index.ts'

/** The folder of notes on commits since the latest manifest. */
export const NOTES_FOLDER = 'commits'

/** Beyond this many extents without a note, the oldest are left to the next manifest. */
const MAX_WAITING = 200_000
/** Maximum number of extents in a note: serialising a note keeps clients waiting. */
const MAX_NOTED = 4000

/**
 * Periodically writes to the bucket which offsets this process's commits assigned to its objects: an object is put
 * before its offsets are known, so it cannot contain them. Only the rebuilding of metadata reads the notes.
 */
export class CommitNotes {
  readonly #store: ObjectStore
  /** The contents of the next notes, oldest first. */
  readonly #waiting: Extent[][] = []

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** Records commits of this process. */
  add(appended: readonly Appended[]): void {
    for (const { extents } of appended) {
      for (const extent of extents) {
        const last = this.#waiting.at(-1)
        if (last !== undefined && last.length < MAX_NOTED) last.push(extent)
        else this.#waiting.push([extent])
      }
    }
    while (this.#waiting.length > MAX_WAITING / MAX_NOTED) this.#waiting.shift()
  }

  /**
   * Writes the commits recorded so far, in one or more notes; what could not be written is kept for the next attempt.
   * Rejects with a StorageError.
   */
  async write(newKey: () => string): Promise<void> {
    for (let count = this.#waiting.length; count > 0; count--) {
      const extents = this.#waiting.shift()
      if (extents === undefined) return
      try {
        await this.#store.put(newKey(), [writeNote(extents)])
      } catch (error) {
        this.#waiting.unshift(extents)
        throw error
      }
    }
  }
}

function writeNote(extents: readonly Extent[]): Buffer {
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
  return Buffer.from(JSON.stringify(rows))
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
