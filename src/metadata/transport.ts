import type { Clock } from '../base/index.ts'
import type { CallWorker } from '../database/index.ts'
import type { CallArguments, CallName, CallResult, TimedCall } from './calls.ts'
import { MetadataError, type MetadataErrorCode } from './errors.ts'
import type { Appended } from './metadata.ts'

/** What somebody else has changed. */
export interface Change {
  /** Partitions to which something was appended; of some the extents are not known. */
  readonly appended?: readonly Appended[]
  /** The catalog has reached this version. */
  readonly catalogVersion?: number
  /** Changes may have been missed before this one. */
  readonly isAfterGap?: true
}

/** The way to the metadata: in this thread, in another one, or over a network. */
export interface Transport {
  /** Carries out one call; rejects with a MetadataError. */
  call<Name extends CallName>(name: Name, ...values: CallArguments<Name>): Promise<CallResult<Name>>
  /** Called with what others change. What is called for here is in the results of the calls. Returns how to stop it. */
  onChange(listener: (change: Change) => void): () => void
  /** Called once when the metadata are out of reach for good without having been closed, before waiting calls reject. */
  onLost(listener: (reason: MetadataError) => void): () => void
  close(): Promise<void>
}

/** The way to metadata in a worker thread, which takes the time from here. */
export function workerTransport(worker: CallWorker, clock: Clock): Transport {
  return {
    async call<Name extends CallName>(name: Name, ...values: CallArguments<Name>): Promise<CallResult<Name>> {
      if (worker.isClosed) throw new MetadataError('closed', 'the metadata are closed')
      const call: TimedCall = { name, arguments: values, now: clock.now() }
      const outcome = await worker.call(call).catch((cause: Error) => {
        throw lostError(cause)
      })
      // The worker's codes are those of MetadataErrors, its values those of the operation of this name.
      if (!outcome.ok) throw new MetadataError(outcome.code as MetadataErrorCode, outcome.message)
      return outcome.value as CallResult<Name> // the service returns the result of the call by this name
    },
    onChange: () => () => {}, // no other process calls the thread
    onLost: listener => worker.onLost(reason => listener(lostError(reason))),
    close: () => worker.close(),
  }
}

export function lostError(cause: Error): MetadataError {
  return new MetadataError('unknown_outcome', `the metadata are lost: ${cause.message}`, { cause })
}
