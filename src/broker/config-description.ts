// What DescribeConfigs and CreateTopics tell about settings: value, source, synonyms.
import { hostPort } from '../base/index.ts'
import type { BrokerConfig } from './config.ts'
import { defaultBrokerConfig } from './config.ts'
import { type ConfigDefinition, type ConfigType, topicConfigDefinitions } from './topic-config.ts'

/** Where a value comes from, by Kafka's numbers. */
export const ConfigSource = { dynamicTopic: 1, staticBroker: 4, default: 5 } as const
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource]

/** Types by Kafka's numbers. */
const typeNumbers: Record<ConfigType, number> = {
  boolean: 1,
  string: 2,
  int: 3,
  long: 5,
  double: 6,
  list: 7,
  password: 9,
}

export interface ConfigDescription {
  readonly name: string
  readonly value: string
  readonly source: ConfigSource
  readonly type: number
  readonly readOnly: boolean
  readonly documentation: string
  /** The value and what it would be without it, by precedence. */
  readonly synonyms: readonly { readonly name: string; readonly value: string; readonly source: ConfigSource }[]
}

/** All settings of a topic, in the order of their names. */
export function describeTopicConfigs(
  configs: Readonly<Record<string, string>>,
  config: BrokerConfig,
): ConfigDescription[] {
  return topicConfigDefinitions.map(definition => {
    const { name, type, documentation } = definition
    const own = configs[name]
    const inherited = inheritedValue(definition, config)
    const synonyms = own === undefined ? [] : [{ name, value: own, source: ConfigSource.dynamicTopic }]
    return {
      name,
      value: own ?? inherited.value,
      source: own === undefined ? inherited.source : ConfigSource.dynamicTopic,
      type: typeNumbers[type],
      readOnly: false,
      documentation,
      synonyms:
        definition.brokerName === undefined ? synonyms : [...synonyms, { name: definition.brokerName, ...inherited }],
    }
  })
}

/** All settings of the broker. None can be changed while it runs. */
export function describeBrokerConfigs(config: BrokerConfig): ConfigDescription[] {
  const own = brokerSettings.map(({ name, type, valueOf, documentation }) => {
    const value = valueOf(config)
    const source = value === valueOf(defaultBrokerConfig) ? ConfigSource.default : ConfigSource.staticBroker
    return brokerDescription(name, type, documentation, value, source)
  })
  const inherited = topicConfigDefinitions.flatMap(definition => {
    if (definition.brokerName === undefined) return []
    const { value, source } = inheritedValue(definition, config)
    return [brokerDescription(definition.brokerName, definition.type, definition.documentation, value, source)]
  })
  return [...own, ...inherited].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function brokerDescription(
  name: string,
  type: ConfigType,
  documentation: string,
  value: string,
  source: ConfigSource,
): ConfigDescription {
  return {
    name,
    value,
    source,
    type: typeNumbers[type],
    readOnly: true,
    documentation,
    synonyms: [{ name, value, source }],
  }
}

function inheritedValue(definition: ConfigDefinition, config: BrokerConfig): { value: string; source: ConfigSource } {
  const value = definition.defaultOf(config)
  const source = value === definition.defaultOf(defaultBrokerConfig) ? ConfigSource.default : ConfigSource.staticBroker
  return { value, source }
}

interface BrokerSetting {
  readonly name: string
  readonly type: ConfigType
  readonly valueOf: (config: BrokerConfig) => string
  readonly documentation: string
}

const brokerSettings: readonly BrokerSetting[] = [
  {
    name: 'advertised.listeners',
    type: 'list',
    valueOf: config => `PLAINTEXT://${hostPort(config.advertisedHost, config.advertisedPort)}`,
    documentation: 'The addresses given to clients.',
  },
  {
    name: 'auto.create.topics.enable',
    type: 'boolean',
    valueOf: config => String(config.autoCreateTopicsEnable),
    documentation: 'Whether asking for a topic creates it.',
  },
  { name: 'broker.id', type: 'int', valueOf: config => String(config.nodeId), documentation: "The broker's id." },
  { name: 'broker.rack', type: 'string', valueOf: config => config.rack ?? '', documentation: "The broker's zone." },
  {
    name: 'default.replication.factor',
    type: 'int',
    valueOf: () => '1',
    documentation: 'How many replicas topics show; the object store replicates.',
  },
  {
    name: 'delete.topic.enable',
    type: 'boolean',
    valueOf: () => 'true',
    documentation: 'Whether topics can be deleted.',
  },
  {
    name: 'group.initial.rebalance.delay.ms',
    type: 'int',
    valueOf: config => String(config.groupInitialRebalanceDelayMs),
    documentation: 'How long a new group waits for more members before it makes its first assignment.',
  },
  {
    name: 'group.max.session.timeout.ms',
    type: 'int',
    valueOf: config => String(config.groupMaxSessionTimeoutMs),
    documentation: 'The longest session timeout of a group member.',
  },
  {
    name: 'group.max.size',
    type: 'int',
    valueOf: config => String(config.groupMaxSize),
    documentation: 'How many members a group may have.',
  },
  {
    name: 'group.min.session.timeout.ms',
    type: 'int',
    valueOf: config => String(config.groupMinSessionTimeoutMs),
    documentation: 'The shortest session timeout of a group member.',
  },
  {
    name: 'node.id',
    type: 'int',
    valueOf: config => String(config.nodeId),
    documentation: "The node's id, the same as broker.id.",
  },
  {
    name: 'num.partitions',
    type: 'int',
    valueOf: config => String(config.numPartitions),
    documentation: 'How many partitions a topic gets when nothing else is asked for.',
  },
  {
    name: 'offset.metadata.max.bytes',
    type: 'int',
    valueOf: config => String(config.offsetMetadataMaxBytes),
    documentation: 'How long the text beside a committed offset may be.',
  },
  {
    name: 'offsets.retention.check.interval.ms',
    type: 'long',
    valueOf: config => String(config.offsetsRetentionCheckIntervalMs),
    documentation: 'How often groups are looked for that need not be remembered any more.',
  },
  {
    name: 'offsets.retention.minutes',
    type: 'int',
    valueOf: config => String(config.offsetsRetentionMinutes),
    documentation: 'How long a group without members that commits nothing is remembered, with its offsets.',
  },
  {
    name: 'socket.request.max.bytes',
    type: 'int',
    valueOf: config => String(config.socketRequestMaxBytes),
    documentation: 'The largest request.',
  },
]
