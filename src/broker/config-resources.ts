// Changing configs: what AlterConfigs and IncrementalAlterConfigs share.
import { ErrorCode, KafkaError } from '../kafka/index.ts'
import { MetadataError, type SettingChange, type SettingKind } from '../metadata/index.ts'
import { brokerSettings } from './broker-settings.ts'
import { clientMetricsConfigs } from './client-metrics-config.ts'
import type { BrokerConfig } from './config.ts'
import {
  checkedConfigValue,
  type ConfigDefinition,
  type ConfigDefinitions,
  configDefinitions,
  inheritedConfig,
  knownConfig,
  listItems,
} from './config-definition.ts'
import { groupConfigProblem, groupConfigs } from './group-config.ts'
import type { BrokerContext, RequestContext } from './handler.ts'
import type { Operation } from './security/acls.ts'
import { type Access, allowsCluster } from './security/authorizer.ts'
import { allBrokers } from './settings.ts'
import { topicConfigProblem, topicConfigs } from './topic-config.ts'
import { checkTopicName } from './topics.ts'

/** Types of resources that have configs, by Kafka's numbers. */
export const resourceTypes = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

/** Operations of IncrementalAlterConfigs on one config, by Kafka's numbers. */
const configOperations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

type Values = Readonly<Record<string, string>>

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

/** A resource whose configs can be changed, with the definitions and the values set on it. */
export interface Target {
  /** Name of the kind of resource, for messages. */
  readonly kind: string
  readonly definitions: ConfigDefinitions
  readonly before: Values
  readonly config: BrokerConfig
  /** The error code for an unknown config name. */
  readonly unknownCode: ErrorCode
  /** Why the configs taken together are invalid, or undefined. */
  readonly problemOf?: (after: Values) => string | undefined
}

type TargetOf = Target & ({ readonly topic: string } | { readonly setting: Pick<SettingChange, 'kind' | 'entity'> })

/** Computes a resource's configs after a change. Throws a KafkaError if the change is invalid. */
type Change<Item> = (target: Target, changes: Resource<Item>['configs']) => Values

/** Changes the configs of each resource entirely or not at all. */
export async function alterConfigs<Item>(
  resources: readonly Resource<Item>[],
  validateOnly: boolean,
  { access, broker }: Pick<RequestContext, 'access' | 'broker'>,
  change: Change<Item>,
): Promise<Result[]> {
  await Promise.all([broker.metadata.refresh(), broker.settings.refresh()])
  const counts = new Map<string, number>()
  for (const resource of resources) counts.set(nameOf(resource), (counts.get(nameOf(resource)) ?? 0) + 1)
  const planned = resources.map(resource => {
    try {
      return plan(resource, counts.get(nameOf(resource))!, access, broker, change)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return error
    }
  })
  const failures = planned.map(each => (each instanceof KafkaError ? each : undefined))
  if (!validateOnly) await carryOut(planned, failures, broker)
  return resources.map(({ resourceType, resourceName }, i) => {
    const failure = failures[i]
    return {
      errorCode: failure?.code ?? ErrorCode.NONE,
      errorMessage: failure?.message ?? null,
      resourceType,
      resourceName,
    }
  })
}

interface Planned {
  readonly target: TargetOf
  readonly after: Values
}

function plan<Item>(
  resource: Resource<Item>,
  count: number,
  access: Access,
  broker: BrokerContext,
  change: Change<Item>,
): Planned {
  const { configs } = resource
  if (count !== 1) throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Each resource must appear at most once.')
  if (new Set(configs.map(({ name }) => name)).size !== configs.length) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Error due to duplicate config keys')
  }
  checkConfigAccess(access, 'alter_configs', resource)
  const target = targetOf(resource, broker)
  const after = change(target, configs)
  const problem = target.problemOf?.(after)
  if (problem !== undefined) throw new KafkaError(ErrorCode.INVALID_CONFIG, problem)
  return { target, after }
}

/** Stores the planned changes; one that cannot be stored becomes a failure of its resource. */
async function carryOut(
  planned: readonly (Planned | KafkaError)[],
  failures: (KafkaError | undefined)[],
  broker: BrokerContext,
): Promise<void> {
  const topics: { topic: string; configs: Values; index: number }[] = []
  const settings: { changes: SettingChange[]; index: number }[] = []
  planned.forEach((each, index) => {
    if (each instanceof KafkaError) return
    const { target, after } = each
    if ('topic' in target) topics.push({ topic: target.topic, configs: after, index })
    else settings.push({ changes: settingChanges(target.setting, target.before, after), index })
  })
  const failed = (indexes: readonly { index: number }[], error: unknown) => {
    if (!(error instanceof MetadataError)) throw error
    broker.log.warn('settings could not be stored', { error: error.message })
    for (const { index } of indexes) {
      failures[index] = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'The settings could not be stored.')
    }
  }
  if (topics.length > 0) {
    try {
      const outcomes = await broker.metadata.setTopicConfigs(topics.map(({ topic, configs }) => ({ topic, configs })))
      outcomes.forEach((outcome, i) => {
        if (!outcome.ok) failures[topics[i]!.index] = new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      })
    } catch (error) {
      failed(topics, error)
    }
  }
  if (settings.length > 0) {
    await broker.settings
      .change(settings.flatMap(({ changes }) => changes))
      .catch((error: unknown) => failed(settings, error))
  }
}

/** Throws a KafkaError if a client may not see or change the configs of a resource. */
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

/** Throws INVALID_REQUEST unless a broker with this id exists. */
export function checkBrokerName(name: string, { cluster }: BrokerContext): void {
  if (cluster.brokers().some(({ nodeId }) => String(nodeId) === name)) return
  throw new KafkaError(ErrorCode.INVALID_REQUEST, `There is no broker ${name}.`)
}

/** AlterConfigs: configs that are not named revert to their defaults. */
export function replaced(
  target: Target,
  changes: readonly { readonly name: string; readonly value: string | null }[],
): Values {
  return Object.fromEntries(
    changes.map(({ name, value }) => [name, newValue(target, definitionOf(target, name), givenValue(name, value))]),
  )
}

/** Kafka takes names of brokers' settings that it does not know, for plugins; here nothing would ever read them. */
function definitionOf({ definitions, kind, unknownCode }: Target, name: string): ConfigDefinition {
  if (definitions === dynamicBrokerConfigs && !definitions.has(name)) {
    throw new KafkaError(unknownCode, `Cannot update these configs dynamically: Set(${name})`)
  }
  return knownConfig(definitions, name, kind, unknownCode)
}

/** Returns the value; Kafka distinguishes a missing value from an invalid one. */
function givenValue(name: string, value: string | null): string {
  if (value === null) throw new KafkaError(ErrorCode.INVALID_REQUEST, `Null value not supported for : ${name}`)
  return value
}

function newValue({ kind }: Target, definition: ConfigDefinition, value: string): string {
  return checkedConfigValue(definition, value, kind)
}

/** IncrementalAlterConfigs: sets, deletes, appends to lists and subtracts from them (KIP-339). */
export function incremented(
  target: Target,
  changes: readonly { readonly name: string; readonly configOperation: number; readonly value: string | null }[],
): Values {
  const after: Record<string, string> = { ...target.before }
  for (const { name, configOperation, value } of changes) {
    // Also allowed for names that no version knows any more, so that they can be cleaned up.
    if (configOperation === configOperations.delete) {
      delete after[name]
      continue
    }
    const definition = definitionOf(target, name)
    switch (configOperation) {
      case configOperations.set:
        after[name] = newValue(target, definition, givenValue(name, value))
        break
      case configOperations.append:
      case configOperations.subtract: {
        if (definition.type !== 'list') {
          throw new KafkaError(ErrorCode.INVALID_CONFIG, `Config value append is not allowed for config key: ${name}`)
        }
        const items = listItems(givenValue(name, value))
        const kept = listItems(after[name] ?? inheritedConfig(definition, target.config))
        const list =
          configOperation === configOperations.append
            ? [...kept, ...items.filter(item => !kept.includes(item))]
            : kept.filter(item => !items.includes(item))
        after[name] = newValue(target, definition, list.join(','))
        break
      }
      default:
        throw new KafkaError(ErrorCode.INVALID_REQUEST, `Unknown operation ${configOperation} for config key: ${name}`)
    }
  }
  return after
}

function targetOf({ resourceType, resourceName }: Resource<unknown>, broker: BrokerContext): TargetOf {
  const { config } = broker
  const settingTarget = (kind: SettingKind, word: string, definitions: ConfigDefinitions) => ({
    kind: word,
    definitions,
    before: broker.settings.of(kind, resourceName),
    config,
    setting: { kind, entity: resourceName },
    unknownCode: kind === 'group' ? ErrorCode.INVALID_CONFIG : ErrorCode.INVALID_REQUEST,
  })
  switch (resourceType) {
    case resourceTypes.topic: {
      if (resourceName === '') {
        throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Default topic resources are not allowed.')
      }
      checkTopicName(resourceName)
      const topic = broker.metadata.catalog().byName.get(resourceName)
      if (topic === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      return {
        kind: 'topic',
        definitions: topicConfigs,
        before: topic.configs,
        config,
        unknownCode: ErrorCode.INVALID_CONFIG,
        problemOf: after => topicConfigProblem(after, config),
        topic: topic.id,
      }
    }
    case resourceTypes.broker:
      if (resourceName !== allBrokers) checkBrokerName(resourceName, broker)
      return settingTarget('broker', 'dynamic broker', dynamicBrokerConfigs)
    case resourceTypes.group:
      if (resourceName === '')
        throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Default group resources are not allowed.')
      return {
        ...settingTarget('group', 'group', groupConfigs),
        problemOf: after => groupConfigProblem(after, config),
      }
    case resourceTypes.clientMetrics:
      if (resourceName === '') throw new KafkaError(ErrorCode.INVALID_REQUEST, 'A subscription needs a name.')
      return settingTarget('client_metrics', 'client metrics', clientMetricsConfigs)
    default:
      throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Settings of this type of resource cannot be changed.')
  }
}

/** Broker settings that can be changed at runtime: the defaults of topics, and some that tools set. */
const dynamicBrokerConfigs = configDefinitions(
  [
    ...[...topicConfigs.values()].flatMap((definition): ConfigDefinition[] =>
      definition.brokerName === undefined ? [] : [{ ...definition, name: definition.brokerName }],
    ),
    ...brokerSettings
      .filter(({ isDynamic }) => isDynamic)
      .map(({ name, type, valueOf, check, documentation }): ConfigDefinition => {
        return {
          name,
          type,
          defaultOf: config => valueOf(config) ?? '',
          documentation,
          ...(check === undefined ? {} : { check }),
        }
      }),
  ].map(definition => ({ ...definition, problemCode: ErrorCode.INVALID_REQUEST })),
)

function settingChanges(
  setting: Pick<SettingChange, 'kind' | 'entity'>,
  before: Values,
  after: Values,
): SettingChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names]
    .filter(name => before[name] !== after[name])
    .map(name => ({ ...setting, name, value: after[name] ?? null }))
}

function nameOf({ resourceType, resourceName }: Resource<unknown>): string {
  return `${resourceType}/${resourceName}`
}
