import { fieldsOf } from '../../base/index.ts'
import type { KV, KvEntry } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { Timestamp, Uint64, type Value } from '../../bloblang/index.ts'
import { field } from '../../engine/index.ts'

export const bucketField = field.string('The bucket, which must exist.').examples('my_kv_bucket')

/** Opens an existing bucket; throws if there is none. */
export async function openBucket(connection: NatsConnection, name: string): Promise<KV> {
  const { Kvm } = await import('@nats-io/kv')
  try {
    const bucket = await new Kvm(connection).open(name)
    await bucket.status()
    return bucket
  } catch (error) {
    // To the server a bucket is a stream.
    throw fieldsOf(error)['code'] === STREAM_NOT_FOUND
      ? new Error(`bucket '${name}' not found`, { cause: error })
      : error
  }
}

/** An error code of the JetStream API. */
const STREAM_NOT_FOUND = 10_059

/** The original's names of the operations that created an entry. */
const operations = { PUT: 'KeyValuePutOp', DEL: 'KeyValueDeleteOp', PURGE: 'KeyValuePurgeOp' } as const

export type Operation = keyof typeof operations

/** The metadata of an entry. */
export function entryMetadata(entry: KvEntry): readonly (readonly [string, Value])[] {
  return [
    ...changeMetadata(entry.key, entry.bucket, entry.revision, entry.operation),
    ['nats_kv_delta', new Uint64(BigInt(entry.delta ?? 0))],
    ['nats_kv_created', timestampOf(entry)],
  ]
}

/** The metadata of an operation on a key. */
export function changeMetadata(
  key: string,
  bucket: string,
  revision: number,
  operation: Operation,
): readonly (readonly [string, Value])[] {
  return [
    ['nats_kv_key', key],
    ['nats_kv_bucket', bucket],
    ['nats_kv_revision', new Uint64(BigInt(revision))],
    ['nats_kv_operation', operations[operation]],
  ]
}

/** An entry as a document, as in the history of a key. */
export function entryDocument(entry: KvEntry): Value {
  return {
    key: entry.key,
    value: entry.value,
    bucket: entry.bucket,
    revision: new Uint64(BigInt(entry.revision)),
    delta: new Uint64(BigInt(entry.delta ?? 0)),
    operation: operations[entry.operation],
    created: timestampOf(entry),
  }
}

function timestampOf({ created }: KvEntry): Timestamp {
  return new Timestamp(BigInt(created.getTime()) * 1_000_000n, { name: 'UTC', offsetSeconds: 0 })
}
