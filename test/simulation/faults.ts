import {
  type AppendListener,
  type Metadata,
  MetadataClient,
  MetadataError,
  type MetadataHub,
  type Transport,
} from '../../src/metadata/index.ts'
import { type ObjectStore, StorageError } from '../../src/storage/index.ts'
import type { World } from './world.ts'

/** Fault probabilities; all are set to zero to let the simulation settle. */
export interface Faults {
  /** A put fails and the object is not there. */
  putFails: number
  /** A put fails but the object is there. */
  putLies: number
  /** A put is reported as failed, but is executed up to half a minute later. */
  putLate: number
  /** An operation takes up to seconds instead of milliseconds. */
  slow: number
  getFails: number
  /** A commit is rejected as a whole. */
  commitFails: number
  /** A commit succeeds, but its response is lost. */
  commitLies: number
  /** A commit is reported as lost, but is executed seconds later. */
  commitLate: number
}

export const NO_FAULTS: Faults = {
  putFails: 0,
  putLies: 0,
  putLate: 0,
  slow: 0,
  getFails: 0,
  commitFails: 0,
  commitLies: 0,
  commitLate: 0,
}

/**
 * A simulated process: its calls have an effect only while it is alive; after its death, pending calls never return.
 */
export interface Process {
  alive: boolean
}

const LATE_MS = 30_000

const never = () => new Promise<never>(() => {})

/** Takes as long as the system's threads may take; nothing in the simulation reads the result. */
export function slowCompression(world: World): (text: string) => Promise<Buffer> {
  return async text => {
    await world.clock.sleep(world.choices.below(20))
    return Buffer.from(text)
  }
}

/** The object store as seen by one process over an unreliable network. */
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
      if (world.choices.chance(faults.putLate)) {
        // The request is in flight and arrives whether or not its process is still alive.
        void world.clock.sleep(world.choices.below(LATE_MS)).then(() => store.put(...args))
        throw new StorageError('unavailable', 'the put timed out')
      }
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

/** The metadata as seen by one process. Only the calls of the log go through the unreliable network. */
export async function faultyMetadata(
  hub: MetadataHub,
  world: World,
  faults: Faults,
  process: Process,
): Promise<Metadata> {
  const pass = async () => {
    if (!process.alive) return never()
    await world.clock.sleep(world.choices.chance(faults.slow) ? world.choices.below(2000) : world.choices.below(3))
    if (!process.alive) return never()
  }
  const transport = lossyTransport(hub.connect(), world, faults, pass)
  const metadata = await MetadataClient.open(transport, { random: world.random })
  return new Proxy(metadata, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const call = (args: unknown[]): unknown => Reflect.apply(member, target, args)
      switch (name) {
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
        case 'onAppend':
          // A process is notified immediately of its own commits, and of nothing else.
          return (listener: AppendListener) => metadata.onAppend((appended, isOwn) => isOwn && listener(appended, true))
        case 'commit':
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

/** Commits, and queries for their outcome, over an unreliable network; the client has to find out what happened. */
function lossyTransport(transport: Transport, world: World, faults: Faults, pass: () => Promise<void>): Transport {
  return {
    onChange: listener => transport.onChange(listener),
    onLost: listener => transport.onLost(listener),
    close: () => transport.close(),
    call(name, ...values) {
      const inner = () => transport.call(name, ...values)
      return name === 'commit' || name === 'recallCommit' ? lossyCall(name, inner, world, faults, pass) : inner()
    },
  }
}

async function lossyCall<Result>(
  name: 'commit' | 'recallCommit',
  call: () => Promise<Result>,
  world: World,
  faults: Faults,
  pass: () => Promise<void>,
): Promise<Result> {
  await pass()
  if (world.choices.chance(faults.commitFails)) throw new MetadataError('busy', `the ${name} was refused`)
  if (name === 'commit' && world.choices.chance(faults.commitLate)) {
    // The commit is in flight and arrives whether or not its process is still alive.
    world.clock
      .sleep(world.choices.below(5000))
      .then(call)
      .catch((error: unknown) => {
        if (!(error instanceof MetadataError)) throw error
      })
    throw new MetadataError('unknown_outcome', 'the link broke')
  }
  const result = await call()
  await pass()
  if (world.choices.chance(faults.commitLies)) throw new MetadataError('unknown_outcome', 'the answer got lost')
  return result
}
