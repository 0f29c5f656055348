import type { Fence } from '../metadata/index.ts'

/** What a client calls itself, and its right to write where another client may take over from it. */
export interface ClientName {
  readonly clientId: string | null
  readonly fence: Fence | undefined
}

const feature = 'penstock_fence='

/**
 * What a client whose writes are fenced appends to its client id: once the lease has another epoch they are refused. It is
 * a feature of client ids like those of the original, because the Kafka protocol has no other place for it that every
 * client library can set.
 */
export function fenceFeature({ lease, epoch }: Fence): string {
  return `,${feature}${epoch}@${lease}`
}

/** Takes the fence out of a client id; the rest is the client's name to quotas, groups and logs. */
export function clientName(clientId: string | null): ClientName {
  if (clientId === null || !clientId.includes(feature)) return { clientId, fence: undefined }
  const parts = clientId.split(',')
  const found = parts.find(part => part.startsWith(feature)) ?? ''
  const [, epoch, lease] = /^(\d{1,15})@(.+)$/.exec(found.slice(feature.length)) ?? []
  if (epoch === undefined || lease === undefined) return { clientId, fence: undefined }
  return { clientId: parts.filter(part => part !== found).join(','), fence: { lease, epoch: Number(epoch) } }
}
