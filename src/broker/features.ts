import type { AnyHandler } from './handler.ts'

/** A feature of the cluster (KIP-584): every level from the minimum up is supported, and `level` is in effect. */
export interface Feature {
  readonly name: string
  readonly minVersion: number
  readonly level: number
}

/**
 * Kafka's level for 4.1-IV1, whose behaviour clients can expect; the minimum is the oldest level that Kafka 4 supports.
 */
const metadataVersion: Feature = { name: 'metadata.version', minVersion: 7, level: 27 }

/** The features that these handlers provide. None can be changed: all brokers of a cluster run with the same levels. */
export function featuresOf(handlers: readonly AnyHandler[]): Feature[] {
  const names = new Set(handlers.map(({ api }) => api.name))
  const features = [metadataVersion]
  if (names.has('ConsumerGroupHeartbeat')) features.push({ name: 'group.version', minVersion: 0, level: 1 })
  if (names.has('EndTxn')) features.push({ name: 'transaction.version', minVersion: 0, level: 2 })
  return features
}
