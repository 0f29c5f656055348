// DescribeClientQuotas v0–v1: the quotas of users, client ids and addresses (KIP-546).
//
// Behaviour: an entity is listed if each component matches one of its parts; with `strict` it must have no other parts.
import { ErrorCode, errorMessage, KafkaError } from '../../kafka/index.ts'
import { defineHandler, type RequestOf } from '../handler.ts'
import { entityOf, type EntityType, entityTypes, type QuotaEntity } from '../quotas/entity.ts'
import { allowsCluster } from '../security/authorizer.ts'

type Component = RequestOf<'DescribeClientQuotas'>['components'][number]

const matchTypes = { exact: 0, default: 1, any: 2 } as const

export default defineHandler('DescribeClientQuotas', {
  async handle({ components, strict }, { access, broker }) {
    if (!allowsCluster(access, 'describe_configs')) return failed(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    const problem = problemOf(components)
    if (problem !== undefined) return failed(problem.code, problem.message)
    await broker.settings.refresh()
    const entries = [...broker.settings.all('quota')].flatMap(([text, quotas]) => {
      const entity = entityOf(text)
      const parts = Object.entries(entity)
      const isWanted =
        components.every(component => matches(entity, component)) && (!strict || parts.length === components.length)
      if (!isWanted) return []
      return [
        {
          entity: parts.map(([entityType, entityName]) => ({ entityType, entityName })),
          values: Object.entries(quotas).map(([key, value]) => ({ key, value: Number(value) })),
        },
      ]
    })
    return { errorCode: ErrorCode.NONE, errorMessage: null, entries }
  },
  failed: (_request, errorCode) => failed(errorCode),
})

function problemOf(components: readonly Component[]): KafkaError | undefined {
  const types = components.map(({ entityType }) => entityType)
  const unknown = types.find(type => !entityTypes.some(known => known === type))
  if (unknown === '') return new KafkaError(ErrorCode.INVALID_REQUEST, 'An entity type is empty.')
  if (unknown !== undefined) {
    return new KafkaError(ErrorCode.UNSUPPORTED_VERSION, `Custom entity type '${unknown}' not supported`)
  }
  if (new Set(types).size !== types.length) {
    return new KafkaError(ErrorCode.INVALID_REQUEST, 'An entity type occurs more than once in the filter.')
  }
  if (types.includes('ip') && types.length > 1) {
    return new KafkaError(ErrorCode.INVALID_REQUEST, 'Invalid entity filter component combination, use ip alone.')
  }
  const strange = components.find(({ matchType }) => !Object.values<number>(matchTypes).includes(matchType))
  if (strange !== undefined) {
    return new KafkaError(ErrorCode.INVALID_REQUEST, `Unknown match type ${strange.matchType}`)
  }
  const odd = components.find(({ matchType, match }) => (matchType === matchTypes.exact) !== (match !== null))
  if (odd === undefined) return undefined
  const reason = odd.match === null ? 'needs a name' : 'takes no name'
  return new KafkaError(ErrorCode.INVALID_REQUEST, `The match of ${odd.entityType} ${reason}`)
}

function matches(entity: QuotaEntity, { entityType, matchType, match }: Component): boolean {
  // problemOf has admitted only known types.
  const name = entity[entityType as EntityType]
  if (name === undefined) return false
  switch (matchType) {
    case matchTypes.exact:
      return name === match
    case matchTypes.default:
      return name === null
    default:
      return true
  }
}

function failed(errorCode: ErrorCode, message = errorMessage(errorCode)) {
  return { errorCode, errorMessage: message, entries: null }
}
