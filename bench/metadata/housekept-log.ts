import { localLogConfig } from '../../src/broker/log/config.ts'
import type { Extent, Metadata } from '../../src/metadata/index.ts'

interface HousekeptLogOptions {
  readonly metadata: Metadata
  readonly partitions: readonly number[]
  /** The upload epoch. */
  readonly epoch: number
  readonly retentionMs: number
  /** The time in milliseconds since 1970. */
  readonly now: () => number
}

/** Does what the housekeeping of a log does with the metadata, without a bucket: merging, retention, forgetting. */
export class HousekeptLog {
  readonly #options: HousekeptLogOptions
  #keptAt: number
  #retainedAt: number
  #merged = 0

  constructor(options: HousekeptLogOptions) {
    this.#options = options
    this.#keptAt = this.#retainedAt = options.now()
  }

  async keep(): Promise<void> {
    const { housekeepingIntervalMs, retentionIntervalMs, producerExpiryMs, epochExpiryMs, deadObjectGraceMs } =
      localLogConfig
    const { metadata, partitions, epoch, retentionMs } = this.#options
    const now = this.#options.now()
    if (now - this.#keptAt < housekeepingIntervalMs) return
    this.#keptAt = now
    await metadata.renewEpoch(epoch)
    if (now - this.#retainedAt >= retentionIntervalMs) {
      this.#retainedAt = now
      await metadata.expireProducers(producerExpiryMs)
      const rules = partitions.map(partition => ({
        partition,
        deleteBefore: now - retentionMs,
        keepBytes: null,
      }))
      while (await metadata.retain(rules));
    }
    await this.#mergeAll()
    while (await this.#mergeInto(await metadata.sparseObjects(localLogConfig.mergeObjects, localLogConfig.mergeBytes)));
    const dead = await metadata.deadObjects(deadObjectGraceMs, 500)
    await metadata.forgetObjects(dead.map(({ id }) => id))
    for (const closed of await metadata.closedEpochs(epochExpiryMs)) await metadata.forgetEpoch(closed)
  }

  async #mergeAll(): Promise<void> {
    const {
      mergeSteps,
      mergeObjects: minObjects,
      mergeBytes: maxBytes,
      mergeSpareObjects: spareObjects,
    } = localLogConfig
    let fromBytes = 0
    for (const belowBytes of mergeSteps) {
      const rule = { fromBytes, belowBytes, minObjects, maxObjects: minObjects * 16, maxBytes, spareObjects }
      while (await this.#mergeInto(await this.#options.metadata.mergeCandidates(rule)));
      fromBytes = belowBytes
    }
  }

  async #mergeInto(candidates: Awaited<ReturnType<Metadata['mergeCandidates']>>): Promise<boolean> {
    if (candidates.length === 0) return false
    const { metadata, epoch } = this.#options
    const replaced = candidates
      .flatMap(({ extents }) => extents)
      .toSorted((left, right) => left.partition - right.partition || left.baseOffset - right.baseOffset)
    const key = `data/${epoch}/merged-${this.#merged++}`
    const extents = joined(key, replaced)
    const sizeBytes = replaced.reduce((sum, extent) => sum + extent.sizeBytes, 0)
    return metadata.replaceExtents({ key, sizeBytes, epoch, extents }, replaced)
  }
}

/** Extents one after another in an object, joined where their offsets are consecutive. */
function joined(key: string, extents: readonly Extent[]): Extent[] {
  const result: Extent[] = []
  let position = 0
  for (const extent of extents) {
    const last = result.at(-1)
    if (last?.partition === extent.partition && last.lastOffset + 1 === extent.baseOffset) {
      const { lastOffset, maxTimestamp } = extent
      result[result.length - 1] = { ...last, lastOffset, maxTimestamp, sizeBytes: last.sizeBytes + extent.sizeBytes }
    } else result.push({ ...extent, key, position })
    position += extent.sizeBytes
  }
  return result
}
