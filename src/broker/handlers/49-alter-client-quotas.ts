// AlterClientQuotas v0–v1: sets and removes quotas of users, client ids and
// addresses, all or none per entity (KIP-546).
//
// Behaviour: quotas take effect on all brokers within two seconds, for each broker separately.
import { ErrorCode, KafkaError } from '../../kafka/index.ts'
import { MetadataError, type SettingChange } from '../../metadata/index.ts'
import { defineHandler, type RequestOf } from '../handler.ts'
import { entityProblem, entityText, type QuotaEntity, quotaProblem } from '../quotas/entity.ts'
import { allowsCluster } from '../security/authorizer.ts'

type Entry = RequestOf<'AlterClientQuotas'>['entries'][number]

export default defineHandler('AlterClientQuotas', {
  async handle({ entries, validateOnly }, { access, broker }) {
    const mayAlter = allowsCluster(access, 'alter_configs')
    const changes: SettingChange[] = []
    const seen = new Set<string>()
    const plan = (entry: Entry): KafkaError | undefined => {
      if (!mayAlter) return new KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
      const entity = entityFrom(entry)
      if (entity instanceof KafkaError) return entity
      const text = entityText(entity)
      if (seen.has(text)) return invalid('An entity occurs more than once in the request.')
      seen.add(text)
      const problem = problemOf(entry, entity)
      if (problem !== undefined) return invalid(problem)
      for (const { key, value, remove } of entry.ops) {
        changes.push({ kind: 'quota', entity: text, name: key, value: remove ? null : String(value) })
      }
      return undefined
    }
    let failures = entries.map(plan)
    if (!validateOnly && changes.length > 0) {
      try {
        await broker.settings.change(changes)
      } catch (error) {
        if (!(error instanceof MetadataError)) throw error
        broker.log.warn('quotas could not be stored', { error: error.message })
        const notStored = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'The quotas could not be stored.')
        failures = failures.map(failure => failure ?? notStored)
      }
    }
    return {
      entries: entries.map(({ entity }, i) => ({
        errorCode: failures[i]?.code ?? ErrorCode.NONE,
        errorMessage: failures[i]?.message ?? null,
        entity: entity.map(({ entityType, entityName }) => ({ entityType, entityName })),
      })),
    }
  },
  failed: ({ entries }, errorCode) => ({ entries: entries.map(({ entity }) => ({ errorCode, entity })) }),
})

function entityFrom({ entity }: Entry): QuotaEntity | KafkaError {
  const problem = entityProblem(entity)
  if (problem !== undefined) return invalid(problem)
  return Object.fromEntries(entity.map(({ entityType, entityName }) => [entityType, entityName]))
}

function problemOf({ ops }: Entry, entity: QuotaEntity): string | undefined {
  const keys = new Set<string>()
  for (const { key, value, remove } of ops) {
    if (keys.has(key)) return `Duplicate quota ${key}`
    keys.add(key)
    const problem = quotaProblem(entity, key, remove ? null : value)
    if (problem !== undefined) return problem
  }
  return undefined
}

function invalid(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, message)
}
