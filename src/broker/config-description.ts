// Configs as DescribeConfigs and CreateTopics return them: value, source, synonyms.
import { brokerSettings } from './broker-settings.ts'
import { type BrokerConfig, defaultBrokerConfig } from './config.ts'
import { type ConfigDefinition, type ConfigDefinitions, type ConfigType } from './config-definition.ts'
import { topicConfigs } from './topic-config.ts'

/** Sources of a value, by Kafka's numbers. */
export const ConfigSource = {
  dynamicTopic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  clientMetrics: 7,
  group: 8,
} as const
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource]

/** Types by Kafka's numbers. */
const typeNumbers: Record<ConfigType, number> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  password: 9,
}

interface Sourced {
  /** Null where nothing is set and there is no default. */
  readonly value: string | null
  readonly source: ConfigSource
}

export interface ConfigDescription extends Sourced {
  readonly name: string
  readonly type: number
  readonly readOnly: boolean
  readonly documentation: string
  /** The value, followed by those that would apply without it, by precedence. */
  readonly synonyms: readonly Synonym[]
}

interface Synonym extends Sourced {
  readonly name: string
}

/**
 * All configs of a topic, group or client metrics subscription, in the order of their definitions.
 *
 * @param own the configs set on the resource itself
 * @param ownSource the source of such a value
 */
export function describeConfigs(
  definitions: ConfigDefinitions,
  own: Readonly<Record<string, string>>,
  ownSource: ConfigSource,
  config: BrokerConfig,
): ConfigDescription[] {
  const listed = [...definitions.values()].filter(({ name, isHidden }) => isHidden !== true || own[name] !== undefined)
  return listed.map(definition => {
    const { name, type, documentation } = definition
    const value = own[name]
    const inherited = inheritedSources(definition, config)
    const set = value === undefined ? [] : [{ name, value, source: ownSource }]
    const below = synonymsBelow(definition, ownSource, inherited)
    return {
      name,
      ...(set[0] ?? inherited[0]!),
      type: typeNumbers[type],
      readOnly: false,
      documentation,
      synonyms: [...set, ...below],
    }
  })
}

/** The values that would apply without the resource's own: for a topic those of the broker, for a group its default. */
function synonymsBelow(
  { name, brokerName }: ConfigDefinition,
  ownSource: ConfigSource,
  inherited: readonly Sourced[],
): Synonym[] {
  switch (ownSource) {
    case ConfigSource.dynamicTopic:
      return brokerName === undefined ? [] : inherited.map(each => ({ name: brokerName, ...each }))
    case ConfigSource.group:
      return inherited.map(each => ({ name, ...each }))
    default:
      return []
  }
}

/** All configs of a topic, sorted by name. */
export function describeTopicConfigs(
  configs: Readonly<Record<string, string>>,
  config: BrokerConfig,
): ConfigDescription[] {
  return describeConfigs(topicConfigs, configs, ConfigSource.dynamicTopic, config)
}

/** All configs of a broker, sorted by name. */
export function describeBrokerConfigs(config: BrokerConfig): ConfigDescription[] {
  const own = brokerSettings.map(({ name, type, valueOf, documentation, isDynamic = false }) => {
    const sources = [...dynamicSources(name, config), staticSource(valueOf(config), valueOf(defaultBrokerConfig))]
    return brokerDescription(name, type, documentation, !isDynamic, sources)
  })
  const inherited = [...topicConfigs.values()].flatMap(definition => {
    const { brokerName, type, documentation } = definition
    if (brokerName === undefined) return []
    return [brokerDescription(brokerName, type, documentation, false, inheritedSources(definition, config))]
  })
  return [...own, ...inherited].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** The settings that were changed at runtime for all brokers. */
export function describeDynamicDefaults(values: Readonly<Record<string, string>>): ConfigDescription[] {
  const types = new Map(brokerSettings.map(({ name, type }) => [name, type]))
  for (const { brokerName, type } of topicConfigs.values()) if (brokerName !== undefined) types.set(brokerName, type)
  return Object.entries(values).map(([name, value]) => {
    const source = { value, source: ConfigSource.dynamicDefaultBroker }
    return brokerDescription(name, types.get(name) ?? 'string', '', false, [source])
  })
}

function brokerDescription(
  name: string,
  type: ConfigType,
  documentation: string,
  readOnly: boolean,
  sources: readonly Sourced[],
): ConfigDescription {
  const synonyms = sources.filter(({ value }) => value !== null).map(source => ({ name, ...source }))
  return { name, ...sources[0]!, type: typeNumbers[type], readOnly, documentation, synonyms }
}

/** The sources of a value that is not set on the resource itself, by precedence. */
function inheritedSources(definition: ConfigDefinition, config: BrokerConfig): Sourced[] {
  const { brokerName, defaultOf } = definition
  const dynamic = brokerName === undefined ? [] : dynamicSources(brokerName, config)
  return [...dynamic, staticSource(defaultOf(config), defaultOf(defaultBrokerConfig))]
}

function dynamicSources(name: string, { dynamic }: BrokerConfig): Sourced[] {
  const known = dynamic[name]
  if (known === undefined) return []
  const source = known.isForAll ? ConfigSource.dynamicDefaultBroker : ConfigSource.dynamicBroker
  const below = known.ofAll === undefined ? [] : [{ value: known.ofAll, source: ConfigSource.dynamicDefaultBroker }]
  return [{ value: known.value, source }, ...below]
}

function staticSource(value: string | null, fallback: string | null): Sourced {
  return { value, source: value === fallback ? ConfigSource.default : ConfigSource.staticBroker }
}
