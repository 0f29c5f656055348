import { type Appended, type AppendListener, type Metadata, MetadataError } from '../../src/metadata/index.ts'
import { type ObjectStore, StorageError } from '../../src/storage/index.ts'
import type { World } from './world.ts'

/** What may go wrong, as probabilities; all are zero once the world is to come to rest. */
export interface Faults {
  /** A put fails and the object is not there. */
  putFails: number
  /** A put fails but the object is there. */
  putLies: number
  /** An operation takes up to seconds instead of milliseconds. */
  slow: number
  getFails: number
  /** A commit is refused as a whole. */
  commitFails: number
  /** A commit succeeds, but its answer is lost. */
  commitLies: number
}

export const NO_FAULTS: Faults = { putFails: 0, putLies: 0, slow: 0, getFails: 0, commitFails: 0, commitLies: 0 }

/** A process: what it calls happens only while it lives; what it waits for when it dies never comes. */
export interface Process {
  alive: boolean
}

const never = () => new Promise<never>(() => {})

/** The store as one process sees it through a bad network. */
export function faultyStore(store: ObjectStore, world: World, faults: Faults, process: Process): ObjectStore {
  const pass = async () => {
    if (!process.alive) return never()
    await world.clock.sleep(world.choices.chance(faults.slow) ? world.choices.below(3000) : 1 + world.choices.below(10))
    if (!process.alive) return never()
  }
  return {
    ...store,
    async put(...args) {
      await pass()
      if (world.choices.chance(faults.putFails)) throw new StorageError('unavailable', 'the put failed')
      await store.put(...args)
      await pass()
      if (world.choices.chance(faults.putLies)) throw new StorageError('unavailable', 'the answer to the put got lost')
    },
    async get(...args) {
      await pass()
      if (world.choices.chance(faults.getFails)) throw new StorageError('unavailable', 'the get failed')
      return store.get(...args)
    },
    async delete(...args) {
      await pass()
      return store.delete(...args)
    },
    async list(...args) {
      await pass()
      return store.list(...args)
    },
    async close() {},
  }
}

/** The metadata as one process sees them. Only what the log calls goes through the bad network. */
export function faultyMetadata(metadata: Metadata, world: World, faults: Faults, process: Process): Metadata {
  const pass = async () => {
    if (!process.alive) return never()
    await world.clock.sleep(world.choices.chance(faults.slow) ? world.choices.below(2000) : world.choices.below(3))
    if (!process.alive) return never()
  }
  // A process hears at once of what it has committed itself, and of nothing else.
  const epochs = new Set<string>()
  const own = (appended: readonly Appended[]) =>
    appended.filter(({ extents }) => epochs.has(extents[0]!.key.split('/')[1]!))
  return new Proxy(metadata, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const call = (args: unknown[]): unknown => Reflect.apply(member, target, args)
      switch (name) {
        case 'commit':
        case 'stepTransaction':
        case 'commitTransactionOffsets':
          return async (...args: unknown[]) => {
            await pass()
            if (world.choices.chance(faults.commitFails)) throw new MetadataError('busy', 'the commit was refused')
            const result = await call(args)
            await pass()
            if (world.choices.chance(faults.commitLies))
              throw new MetadataError('unknown_outcome', 'the answer got lost')
            return result
          }
        case 'openEpoch':
          return async () => {
            await pass()
            const epoch = await metadata.openEpoch()
            epochs.add(`${epoch}`)
            return epoch
          }
        case 'onAppend':
          return (listener: AppendListener) => metadata.onAppend(appended => listener(own(appended), true))
        case 'catalog':
        case 'onTopicsChanged':
          return (...args: unknown[]) => call(args)
        default:
          return async (...args: unknown[]) => {
            await pass()
            return call(args)
          }
      }
    },
  })
}
