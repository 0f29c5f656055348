import type { Fence } from '../metadata/index.ts'

/** A client's name, and the fence of its writes if another client may take over from it. */
export interface ClientName {
  readonly clientId: string | null
  readonly fence: Fence | undefined
}

const feature = 'penstock_fence='

/**
 * The suffix that a client whose writes are fenced appends to its client id: its writes are refused once the
 * lease has another epoch. It is a client id feature like the original's, because the Kafka protocol has no other
 * field that every client library can set.
 */
export function fenceFeature({ lease, epoch }: Fence): string {
  return `,${feature}${epoch}@${lease}`
}

/** Extracts the fence from a client id; the rest is the client's name for quotas, groups and logs. */
export function clientName(clientId: string | null): ClientName {
  if (clientId === null || !clientId.includes(feature)) return { clientId, fence: undefined }
  const parts = clientId.split(',')
  const found = parts.find(part => part.startsWith(feature)) ?? ''
  const [, epoch, lease] = /^(\d{1,15})@(.+)$/.exec(found.slice(feature.length)) ?? []
  if (epoch === undefined || lease === undefined) return { clientId, fence: undefined }
  return { clientId: parts.filter(part => part !== found).join(','), fence: { lease, epoch: Number(epoch) } }
}
