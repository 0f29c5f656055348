// The entities of quotas (KIP-546): users, client ids, pairs of both, and addresses; null is the default of its type.

import { isIP } from 'node:net'

/** A host name in DNS syntax; whether it exists is not checked. */
const hostName = /^[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/i

export const entityTypes = ['user', 'client-id', 'ip'] as const
export type EntityType = (typeof entityTypes)[number]

/** The parts of an entity; the quota applies regardless of types that are absent. */
export type QuotaEntity = Readonly<Partial<Record<EntityType, string | null>>>

/** The canonical text of an entity, under which its quotas are stored. */
export function entityText(entity: QuotaEntity): string {
  const parts = entityTypes.flatMap(type => (entity[type] === undefined ? [] : [[type, entity[type]]]))
  return JSON.stringify(parts)
}

/** Parses a text made by `entityText`. */
export function entityOf(text: string): QuotaEntity {
  return Object.fromEntries(JSON.parse(text) as [EntityType, string | null][]) // stored by entityText
}

/** The quotas for users and clients, and below those for addresses, with the type of their values. */
const clientKeys: Readonly<Record<string, 'integer' | 'number'>> = {
  producer_byte_rate: 'integer',
  consumer_byte_rate: 'integer',
  request_percentage: 'number',
  controller_mutation_rate: 'number',
}
const addressKeys: Readonly<Record<string, 'integer' | 'number'>> = { connection_creation_rate: 'integer' }

/** Why an entity is invalid, or undefined. */
export function entityProblem(parts: readonly { entityType: string; entityName: string | null }[]): string | undefined {
  if (parts.length === 0) return 'Invalid empty client quota entity'
  const types = new Set<string>()
  for (const { entityType, entityName } of parts) {
    if (!entityTypes.some(known => known === entityType)) return `Unhandled client quota entity type: ${entityType}`
    if (types.has(entityType)) return `Duplicate ${entityType} entity type`
    if (entityName === '') return `Empty ${entityType} not supported`
    if (entityType === 'ip' && entityName !== null && isIP(entityName) === 0 && !hostName.test(entityName)) {
      return `${entityName} is not a valid IP or resolvable host.`
    }
    types.add(entityType)
  }
  return types.has('ip') && types.size > 1 ? 'Invalid quota entity combination' : undefined
}

/** Why a quota is invalid for an entity, or undefined. */
export function quotaProblem(entity: QuotaEntity, key: string, value: number | null): string | undefined {
  const keys = entity.ip === undefined ? clientKeys : addressKeys
  const kind = Object.hasOwn(keys, key) ? keys[key] : undefined
  if (kind === undefined) return `Invalid configuration key ${key}`
  if (value === null) return undefined
  if (!(value > 0)) return `Quota ${key} must be greater than 0`
  if (kind === 'number') return undefined
  if (!Number.isInteger(value)) return `Quota ${key} must be a whole number`
  return value < 2 ** 63 ? undefined : `Quota ${key} is too large`
}
