import { MetadataError, type MetadataErrorCode } from './errors.ts'
import type { NewObject } from './metadata.ts'
import type { Committed } from './plan.ts'

/** Executes commits in one transaction, all or none. Rejects with a MetadataError. */
type CommitTogether = (commits: readonly (readonly NewObject[])[], now: number) => Promise<readonly Committed[]>

/**
 * Number of transactions in progress: while one waits for the disk, the next one is prepared. With more of them, each holds
 * fewer commits.
 */
const LANES = 2

/** Maximum number of batches in a transaction, beyond its first commit. */
const MAX_BATCHES = 8192

/** Codes of errors after which nothing has happened, and which one commit may cause for the others. */
const refusals: ReadonlySet<MetadataErrorCode> = new Set(['epoch_closed', 'failed'])

interface Waiting {
  readonly objects: readonly NewObject[]
  readonly now: number
  readonly resolve: (result: Committed) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Shares transactions among the commits of all agents. Most of the cost of a transaction does not depend on its size: the
 * round trips to the database, the parsing of its statements, the sync to disk. A commit that finds no transaction in
 * progress does not wait for others.
 */
export class GroupCommit {
  readonly #commitTogether: CommitTogether
  readonly #waiting: Waiting[] = []
  readonly #running = new Set<Promise<void>>()
  #startsSoon = false
  #isClosed = false

  constructor(commitTogether: CommitTogether) {
    this.#commitTogether = commitTogether
  }

  /** Resolves once the commit is durable. `now` is in milliseconds since 1970. Rejects with a MetadataError. */
  commit(objects: readonly NewObject[], now: number): Promise<Committed> {
    if (this.#isClosed) return Promise.reject(new MetadataError('closed', 'the metadata is closed'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ objects, now, resolve, reject })
      this.#startSoon()
    })
  }

  /** Waits for earlier commits to finish; later ones reject with the code `closed`. */
  async close(): Promise<void> {
    this.#isClosed = true
    while (this.#startsSoon || this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Commits requested in the same tick run together. */
  #startSoon(): void {
    if (this.#startsSoon || this.#running.size >= LANES || this.#waiting.length === 0) return
    this.#startsSoon = true
    queueMicrotask(() => {
      this.#startsSoon = false
      const running = this.#run(this.#nextGroup()).finally(() => {
        this.#running.delete(running)
        this.#startSoon()
      })
      this.#running.add(running)
      this.#startSoon()
    })
  }

  #nextGroup(): Waiting[] {
    let count = 0
    let batches = 0
    for (const { objects } of this.#waiting) {
      batches += objects.reduce((sum, object) => sum + object.batches.length, 0)
      if (count > 0 && batches > MAX_BATCHES) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  /** Commits a group. If it is refused because of one of its members, each of them is committed by itself. */
  async #run(group: readonly Waiting[]): Promise<void> {
    const refusal = await this.#attempt(group)
    if (refusal === undefined) return
    if (group.length === 1) return group[0]!.reject(refusal)
    for (const one of group) await this.#run([one])
  }

  /** Settles all members, unless the transaction was refused because of the contents of one: then resolves to the reason. */
  async #attempt(group: readonly Waiting[]): Promise<unknown> {
    const now = Math.max(...group.map(one => one.now))
    const commits = group.map(({ objects }) => objects)
    try {
      const results = await this.#commitTogether(commits, now)
      group.forEach(({ resolve }, index) => resolve(results[index]!))
    } catch (reason) {
      const isRefused = reason instanceof MetadataError && refusals.has(reason.code)
      if (isRefused) return reason
      for (const { reject } of group) reject(reason)
    }
    return undefined
  }
}
