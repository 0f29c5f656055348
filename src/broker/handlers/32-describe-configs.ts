// DescribeConfigs v0–v4: the settings of topics and brokers, with where each value comes from.
//
// v1 sources and, on request, synonyms. v3 types and, on request, documentation.
import { ErrorCode, KafkaError } from '../../kafka/index.ts'
import {
  type ConfigDescription,
  ConfigSource,
  describeBrokerConfigs,
  describeTopicConfigs,
} from '../config-description.ts'
import { checkConfigAccess, resourceTypes } from '../config-resources.ts'
import { type BrokerContext, defineHandler, type RequestOf, type ResponseOf } from '../handler.ts'
import type { Access } from '../security/authorizer.ts'

type Request = RequestOf<'DescribeConfigs'>
type Resource = Request['resources'][number]
type Result = ResponseOf<'DescribeConfigs'>['results'][number]

export default defineHandler('DescribeConfigs', {
  async handle(request, { access, broker }) {
    await broker.metadata.refresh()
    return { results: request.resources.map(resource => describe(resource, request, access, broker)) }
  },
})

function describe(resource: Resource, request: Request, access: Access, broker: BrokerContext): Result {
  const { resourceType, resourceName, configurationKeys } = resource
  try {
    checkConfigAccess(access, 'describe_configs', resource)
    const wanted = configurationKeys === null ? undefined : new Set(configurationKeys)
    const configs = configsOf(resource, broker).filter(({ name }) => wanted?.has(name) ?? true)
    return { resourceType, resourceName, configs: configs.map(config => answer(config, request)) }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { errorCode: error.code, errorMessage: error.message, resourceType, resourceName, configs: [] }
  }
}

function configsOf({ resourceType, resourceName }: Resource, broker: BrokerContext): ConfigDescription[] {
  switch (resourceType) {
    case resourceTypes.topic: {
      const topic = broker.metadata.catalog().byName.get(resourceName)
      if (topic === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      return describeTopicConfigs(topic.configs, broker.config)
    }
    case resourceTypes.broker:
      // Without a name it is about settings for all brokers that were changed while running: there are none.
      if (resourceName === '') return []
      if (!broker.cluster.brokers().some(({ nodeId }) => String(nodeId) === resourceName)) {
        throw new KafkaError(ErrorCode.INVALID_REQUEST, `There is no broker ${resourceName}.`)
      }
      return describeBrokerConfigs(broker.config)
    case resourceTypes.brokerLogger:
    case resourceTypes.clientMetrics:
    case resourceTypes.group:
      return []
    default:
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `Unsupported resource type: ${resourceType}`)
  }
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
