import { fieldsOf } from '../base/index.ts'
import { type ObjectStore, StorageError } from '../storage/index.ts'

const claimKey = 'cluster.json'

/**
 * Ensures that a cluster's part of a bucket belongs to this metadata, and claims it if it belongs to none: with the
 * metadata of another database, that database's objects would count as garbage. Rejects with a StorageError.
 */
export async function claimBucket(store: ObjectStore, clusterId: string): Promise<void> {
  try {
    await store.put(claimKey, [Buffer.from(JSON.stringify({ cluster_id: clusterId }))], { ifAbsent: true })
    return
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'already_exists')) throw error
  }
  await checkClaim(store, clusterId)
}

/** Ensures that a cluster's part of a bucket belongs to this metadata. Rejects with a StorageError. */
export async function checkClaim(store: ObjectStore, clusterId: string): Promise<void> {
  const owner = ownerIn(await store.get(claimKey))
  if (owner === clusterId) return
  throw new StorageError(
    'failed',
    `the bucket ${store.url} belongs to the cluster ${owner} of another control plane, this one is ${clusterId}: use another bucket or folder, or restore the database that belongs to it`,
  )
}

/** The cluster that a bucket belongs to; undefined if it is unclaimed. Rejects with a StorageError. */
export async function ownerOf(store: ObjectStore): Promise<string | undefined> {
  try {
    return ownerIn(await store.get(claimKey))
  } catch (error) {
    if (error instanceof StorageError && error.code === 'not_found') return undefined
    throw error
  }
}

function ownerIn(body: Buffer): string {
  try {
    return String(fieldsOf(JSON.parse(body.toString()))['cluster_id'])
  } catch {
    return 'unknown'
  }
}
