import type { Clock } from '../base/index.ts'
import type { CallWorker } from '../database/index.ts'
import type { CallArguments, CallName, CallResult, TimedCall } from './calls.ts'
import { MetadataError, type MetadataErrorCode } from './errors.ts'
import type { Appended } from './metadata.ts'

/** A change made by another client. */
export interface Change {
  /** Partitions that were appended to; for some the extents are not known. */
  readonly appended?: readonly Appended[]
  /** The catalog has reached this version. */
  readonly catalogVersion?: number
  /** Earlier changes may have been missed. */
  readonly isAfterGap?: true
}

/** A connection to the metadata: in this thread, in another one, or over a network. */
export interface Transport {
  /** Executes one call; rejects with a MetadataError. */
  call<Name extends CallName>(name: Name, ...values: CallArguments<Name>): Promise<CallResult<Name>>
  /**
   * The listener receives the changes of others; those of this client are in the results of its calls.
   * Returns a function that unsubscribes it.
   */
  onChange(listener: (change: Change) => void): () => void
  /**
   * The listener is called once if the metadata becomes permanently unreachable without having been closed, before
   * pending calls reject.
   */
  onLost(listener: (reason: MetadataError) => void): () => void
  close(): Promise<void>
}

/** Connects to metadata in a worker thread; calls carry the time of this side. */
export function workerTransport(worker: CallWorker, clock: Clock): Transport {
  return {
    async call<Name extends CallName>(name: Name, ...values: CallArguments<Name>): Promise<CallResult<Name>> {
      if (worker.isClosed) throw new MetadataError('closed', 'the metadata is closed')
      const call: TimedCall = { name, arguments: values, now: clock.now() }
      const outcome = await worker.call(call).catch((cause: Error) => {
        throw lostError(cause)
      })
      // The worker's codes are those of MetadataErrors, its values those of the operation with this name.
      if (!outcome.ok) throw new MetadataError(outcome.code as MetadataErrorCode, outcome.message)
      return outcome.value as CallResult<Name> // the service returns the result of the call with this name
    },
    onChange: () => () => {}, // no other process calls the thread
    onLost: listener => worker.onLost(reason => listener(lostError(reason))),
    close: () => worker.close(),
  }
}

export function lostError(cause: Error): MetadataError {
  return new MetadataError('unknown_outcome', `the metadata is lost: ${cause.message}`, { cause })
}
