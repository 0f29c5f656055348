// Changing settings: what AlterConfigs and IncrementalAlterConfigs share.
import { ErrorCode, KafkaError } from '../kafka/index.ts'
import type { Topic } from '../metadata/index.ts'
import type { BrokerContext, RequestContext } from './handler.ts'
import type { Operation } from './security/acls.ts'
import { type Access, allowsCluster } from './security/authorizer.ts'
import { topicConfigDefinition } from './topic-config.ts'
import { checkedConfigValue } from './topics.ts'

/** What settings can belong to, by Kafka's numbers. */
export const resourceTypes = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

/** What IncrementalAlterConfigs does to one setting, by Kafka's numbers. */
const configOperations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

interface Resource<Change> {
  readonly resourceType: number
  readonly resourceName: string
  readonly configs: readonly (Change & { readonly name: string })[]
}

interface Result {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly resourceType: number
  readonly resourceName: string
}

/**
 * Changes the settings of each resource as a whole or not at all.
 *
 * @param change answers a topic's settings after the change, or throws a KafkaError
 */
export async function alterConfigs<Change>(
  resources: readonly Resource<Change>[],
  validateOnly: boolean,
  { access, broker }: Pick<RequestContext, 'access' | 'broker'>,
  change: (
    before: Readonly<Record<string, string>>,
    changes: Resource<Change>['configs'],
    broker: BrokerContext,
  ) => Record<string, string>,
): Promise<Result[]> {
  await broker.metadata.refresh()
  const results: Result[] = []
  const changes: { topic: string; configs: Record<string, string>; index: number }[] = []
  const counts = new Map<string, number>()
  for (const resource of resources) counts.set(nameOf(resource), (counts.get(nameOf(resource)) ?? 0) + 1)
  resources.forEach((resource, index) => {
    const { resourceType, resourceName, configs } = resource
    try {
      if (counts.get(nameOf(resource)) !== 1)
        throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Each resource must appear at most once.')
      if (new Set(configs.map(({ name }) => name)).size !== configs.length) {
        throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Error due to duplicate config keys')
      }
      checkConfigAccess(access, 'alter_configs', resource)
      const topic = topicOf(resource, broker)
      changes.push({ topic: topic.id, configs: change(topic.configs, configs, broker), index })
      results.push({ errorCode: ErrorCode.NONE, errorMessage: null, resourceType, resourceName })
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      results.push({ errorCode: error.code, errorMessage: error.message, resourceType, resourceName })
    }
  })
  if (validateOnly || changes.length === 0) return results
  const outcomes = await broker.metadata.setTopicConfigs(changes.map(({ topic, configs }) => ({ topic, configs })))
  outcomes.forEach((outcome, i) => {
    if (outcome.ok) return
    const { index } = changes[i]!
    const { code, message } = new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    results[index] = { ...results[index]!, errorCode: code, errorMessage: message }
  })
  return results
}

/** Throws a KafkaError where a client may not see or change the settings of something. */
export function checkConfigAccess(
  access: Access,
  operation: Operation,
  { resourceType, resourceName }: { readonly resourceType: number; readonly resourceName: string },
): void {
  switch (resourceType) {
    case resourceTypes.topic:
      if (access.allows(operation, 'topic', resourceName)) return
      throw new KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    case resourceTypes.group:
      if (access.allows(operation, 'group', resourceName)) return
      throw new KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    default:
      if (allowsCluster(access, operation)) return
      throw new KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
  }
}

/** AlterConfigs: what is not named goes back to its default. */
export function replaced(
  _before: Readonly<Record<string, string>>,
  changes: readonly { readonly name: string; readonly value: string | null }[],
): Record<string, string> {
  return Object.fromEntries(changes.map(({ name, value }) => [name, checkedConfigValue(name, value)]))
}

/** IncrementalAlterConfigs: sets, deletes, appends to lists and subtracts from them (KIP-339). */
export function incremented(
  before: Readonly<Record<string, string>>,
  changes: readonly { readonly name: string; readonly configOperation: number; readonly value: string | null }[],
  broker: BrokerContext,
): Record<string, string> {
  const after: Record<string, string> = { ...before }
  for (const { name, configOperation, value } of changes) {
    const definition = topicConfigDefinition(name)
    if (definition === undefined) throw new KafkaError(ErrorCode.INVALID_CONFIG, `Unknown topic config name: ${name}`)
    const current = after[name] ?? definition.defaultOf(broker.config)
    switch (configOperation) {
      case configOperations.set:
        after[name] = checkedConfigValue(name, value)
        break
      case configOperations.delete:
        delete after[name]
        break
      case configOperations.append:
      case configOperations.subtract: {
        if (definition.type !== 'list') {
          throw new KafkaError(ErrorCode.INVALID_CONFIG, `Config value append is not allowed for config key: ${name}`)
        }
        const items = value === null ? [] : listItems(value)
        const kept = listItems(current)
        const list =
          configOperation === configOperations.append
            ? [...kept, ...items.filter(item => !kept.includes(item))]
            : kept.filter(item => !items.includes(item))
        after[name] = checkedConfigValue(name, list.join(','))
        break
      }
      default:
        throw new KafkaError(ErrorCode.INVALID_REQUEST, `Unknown operation ${configOperation} for config key: ${name}`)
    }
  }
  return after
}

function nameOf({ resourceType, resourceName }: Resource<unknown>): string {
  return `${resourceType}/${resourceName}`
}

function topicOf({ resourceType, resourceName }: Resource<unknown>, broker: BrokerContext): Topic {
  if (resourceType !== resourceTypes.topic) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Only settings of topics can be changed while the broker runs.')
  }
  const topic = broker.metadata.catalog().byName.get(resourceName)
  if (topic === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  return topic
}

function listItems(list: string): string[] {
  return list
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}
