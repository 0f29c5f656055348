import { ErrorCode, KafkaError } from '../kafka/index.ts'
import type { BrokerConfig } from './config.ts'

export type ConfigType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'password'

/** One config of a topic, group or client metrics subscription: its type, default and legal values. */
export interface ConfigDefinition {
  readonly name: string
  readonly type: ConfigType
  /** The broker setting that provides the default, if any. */
  readonly brokerName?: string
  readonly defaultOf: (config: BrokerConfig) => string
  /** Returns why a value is invalid, or undefined. The type has been checked already. */
  readonly check?: (value: string) => string | undefined
  readonly documentation: string
  /** The error code for an invalid value; defaults to INVALID_CONFIG. */
  readonly problemCode?: ErrorCode
  /**
   * Not listed unless it is set: one of our own configs, which tools that copy configs to another cluster must not see.
   */
  readonly isHidden?: boolean
}

/** All configs of one kind of resource, by name. */
export type ConfigDefinitions = ReadonlyMap<string, ConfigDefinition>

/** Indexes definitions by their names. */
export function configDefinitions(definitions: readonly ConfigDefinition[]): ConfigDefinitions {
  return new Map(definitions.map(definition => [definition.name, definition]))
}

/** The effective value if none is set on the resource itself. */
export function inheritedConfig({ brokerName, defaultOf }: ConfigDefinition, config: BrokerConfig): string {
  return (brokerName === undefined ? undefined : config.dynamic[brokerName]?.value) ?? defaultOf(config)
}

/** Looks up a config; throws a KafkaError, by default INVALID_CONFIG, for an unknown name. */
export function knownConfig(
  definitions: ConfigDefinitions,
  name: string,
  kind: string,
  code: ErrorCode = ErrorCode.INVALID_CONFIG,
): ConfigDefinition {
  const definition = definitions.get(name)
  if (definition === undefined) throw new KafkaError(code, `Unknown ${kind} config name: ${name}`)
  return definition
}

/** Returns a valid value, with the items of a list trimmed; otherwise throws a KafkaError with the reason. */
export function checkedConfigValue(definition: ConfigDefinition, value: string | null, kind: string): string {
  const { name, problemCode = ErrorCode.INVALID_CONFIG } = definition
  if (value === null) {
    throw new KafkaError(ErrorCode.INVALID_CONFIG, `Null value not supported for ${kind} configs: ${name}`)
  }
  const problem = configProblem(definition, value)
  if (problem !== undefined) {
    throw new KafkaError(problemCode, `Invalid value ${value} for configuration ${name}: ${problem}`)
  }
  return definition.type === 'list' ? listItems(value).join(',') : value.trim()
}

/** The items of a comma-separated list, trimmed, without empty ones. */
export function listItems(list: string): string[] {
  return list
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

/** Why a value is invalid for this config, or undefined. */
function configProblem(definition: ConfigDefinition, value: string): string | undefined {
  return typeProblem(definition.type, value.trim()) ?? definition.check?.(value.trim())
}

function typeProblem(type: ConfigType, value: string): string | undefined {
  switch (type) {
    case 'boolean':
      return /^(true|false)$/i.test(value) ? undefined : 'Expected value to be either true or false'
    case 'short':
      return integerProblem(value, 2n ** 15n)
    case 'int':
    case 'long':
      return integerProblem(value, type === 'int' ? 2n ** 31n : 2n ** 63n)
    case 'double':
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? undefined : `Not a number of type DOUBLE`
    case 'string':
    case 'list':
    case 'password':
      return undefined
    default:
      return type satisfies never
  }
}

function integerProblem(value: string, bound: bigint): string | undefined {
  const type = bound === 2n ** 31n ? 'INT' : 'LONG'
  if (!/^[+-]?\d+$/.test(value)) return `Not a number of type ${type}`
  const number = BigInt(value.replace('+', ''))
  return number >= -bound && number < bound ? undefined : `Not a number of type ${type}`
}

export const atLeast = (minimum: number) => (value: string) =>
  Number(value) >= minimum ? undefined : `Value must be at least ${minimum}`

export const between = (minimum: number, maximum: number) => (value: string) =>
  Number(value) >= minimum && Number(value) <= maximum ? undefined : `Value must be between ${minimum} and ${maximum}`

export const oneOf =
  (...choices: readonly string[]) =>
  (value: string) =>
    choices.includes(value) ? undefined : `String must be one of: ${choices.join(', ')}`

export const listOf =
  (...choices: readonly string[]) =>
  (value: string) =>
    listItems(value).every(item => choices.includes(item)) ? undefined : `String must be one of: ${choices.join(', ')}`

export const always = (value: string) => () => value
export const longMax = '9223372036854775807'
