import { fieldsOf } from '../base/index.ts'
import { type ObjectStore, StorageError } from '../storage/index.ts'

const claimKey = 'cluster.json'

/**
 * Makes sure that a cluster's part of a bucket belongs to these metadata, and claims it where it belongs to none: with the
 * metadata of another database, objects of that one would count as garbage. Rejects with a StorageError.
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

/** Makes sure that a cluster's part of a bucket belongs to these metadata. Rejects with a StorageError. */
export async function checkClaim(store: ObjectStore, clusterId: string): Promise<void> {
  const owner = ownerIn(await store.get(claimKey))
  if (owner === clusterId) return
  throw new StorageError(
    'failed',
    `the bucket ${store.url} belongs to the cluster ${owner} of another control plane, this one is ${clusterId}: use another bucket or folder, or restore the database that belongs to it`,
  )
}

/** The cluster to which a bucket belongs; undefined where nobody has claimed it. Rejects with a StorageError. */
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
