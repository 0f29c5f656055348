// DescribeConfigs v0–v4: the configs of topics, brokers, groups and client metrics, with the source of each value.
//
// An empty list of keys requests all, like null. v1 sources and, on request, synonyms.
// v3 types and, on request, documentation.
import { ErrorCode, KafkaError } from '../../kafka/index.ts'
import {
  type ConfigDescription,
  ConfigSource,
  describeBrokerConfigs,
  describeConfigs,
  describeDynamicDefaults,
  describeTopicConfigs,
} from '../config-description.ts'
import { clientMetricsConfigs } from '../client-metrics-config.ts'
import { checkBrokerName, checkConfigAccess, resourceTypes } from '../config-resources.ts'
import { groupConfigs } from '../group-config.ts'
import { type BrokerContext, defineHandler, type RequestOf, type ResponseOf } from '../handler.ts'
import type { Access } from '../security/authorizer.ts'
import { allBrokers } from '../settings.ts'
import { checkTopicName } from '../topics.ts'

type Request = RequestOf<'DescribeConfigs'>
type Resource = Request['resources'][number]
type Result = ResponseOf<'DescribeConfigs'>['results'][number]

export default defineHandler('DescribeConfigs', {
  async handle(request, { access, broker }) {
    await Promise.all([broker.metadata.refresh(), broker.settings.refresh()])
    return { results: request.resources.map(resource => describe(resource, request, access, broker)) }
  },
  failed: ({ resources }, errorCode) => ({
    results: resources.map(({ resourceType, resourceName }) => ({
      errorCode,
      resourceType,
      resourceName,
      configs: [],
    })),
  }),
})

function describe(resource: Resource, request: Request, access: Access, broker: BrokerContext): Result {
  const { resourceType, resourceName, configurationKeys } = resource
  try {
    checkConfigAccess(access, 'describe_configs', resource)
    const wanted = configurationKeys === null || configurationKeys.length === 0 ? undefined : new Set(configurationKeys)
    const configs = configsOf(resource, broker).filter(({ name }) => wanted?.has(name) ?? true)
    return { errorMessage: '', resourceType, resourceName, configs: configs.map(config => answer(config, request)) }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { errorCode: error.code, errorMessage: error.message, resourceType, resourceName, configs: [] }
  }
}

function configsOf({ resourceType, resourceName }: Resource, broker: BrokerContext): ConfigDescription[] {
  switch (resourceType) {
    case resourceTypes.topic: {
      checkTopicName(resourceName)
      const topic = broker.metadata.catalog().byName.get(resourceName)
      if (topic === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      return describeTopicConfigs(topic.configs, broker.config)
    }
    case resourceTypes.broker:
      if (resourceName === allBrokers) return describeDynamicDefaults(broker.settings.of('broker', allBrokers))
      checkBrokerName(resourceName, broker)
      return describeBrokerConfigs(broker.settings.configOf(resourceName))
    case resourceTypes.brokerLogger:
      checkBrokerName(resourceName, broker)
      return []
    case resourceTypes.clientMetrics: {
      checkNamed(resourceName, 'Client metrics subscription')
      const own = broker.settings.of('client_metrics', resourceName)
      return describeConfigs(clientMetricsConfigs, own, ConfigSource.clientMetrics, broker.config)
    }
    case resourceTypes.group: {
      checkNamed(resourceName, 'Group')
      const own = broker.settings.of('group', resourceName)
      return describeConfigs(groupConfigs, own, ConfigSource.group, broker.config)
    }
    default:
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `Unsupported resource type: ${resourceType}`)
  }
}

function checkNamed(name: string, kind: string): void {
  if (name === '') throw new KafkaError(ErrorCode.INVALID_REQUEST, `${kind} name must not be empty`)
}

function answer(config: ConfigDescription, request: Request): Result['configs'][number] {
  return {
    name: config.name,
    value: config.value,
    readOnly: config.readOnly,
    isDefault: config.source === ConfigSource.default,
    configSource: config.source,
    isSensitive: false,
    synonyms: request.includeSynonyms ? config.synonyms : [],
    configType: config.type,
    documentation: request.includeDocumentation ? config.documentation : null,
  }
}
