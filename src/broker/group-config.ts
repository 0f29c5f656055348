import { configDefinitions, type ConfigDefinition } from './config-definition.ts'
import type { BrokerConfig } from './config.ts'

/** The configs of a group (KIP-848), by name. They apply to its members of the `consumer` protocol. */
export const groupConfigs = configDefinitions([
  {
    name: 'consumer.heartbeat.interval.ms',
    type: 'int',
    brokerName: 'group.consumer.heartbeat.interval.ms',
    defaultOf: config => String(config.groupConsumerHeartbeatIntervalMs),
    documentation: 'How often members send a heartbeat.',
  },
  {
    name: 'consumer.session.timeout.ms',
    type: 'int',
    brokerName: 'group.consumer.session.timeout.ms',
    defaultOf: config => String(config.groupConsumerSessionTimeoutMs),
    documentation: 'A member that sends no heartbeat for this long is removed from the group.',
  },
] satisfies ConfigDefinition[])

/** A group's effective timeouts, in milliseconds. */
export interface GroupTimeouts {
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
}

/** @param own the configs set on the group itself; values outside the broker's current bounds are clamped */
export function groupTimeouts(own: Readonly<Record<string, string>>, config: BrokerConfig): GroupTimeouts {
  return {
    sessionTimeoutMs: clamp(
      Number(own['consumer.session.timeout.ms'] ?? config.groupConsumerSessionTimeoutMs),
      config.groupConsumerMinSessionTimeoutMs,
      config.groupConsumerMaxSessionTimeoutMs,
    ),
    heartbeatIntervalMs: clamp(
      Number(own['consumer.heartbeat.interval.ms'] ?? config.groupConsumerHeartbeatIntervalMs),
      config.groupConsumerMinHeartbeatIntervalMs,
      config.groupConsumerMaxHeartbeatIntervalMs,
    ),
  }
}

/** Why a group's configs taken together are invalid, or undefined. */
export function groupConfigProblem(own: Readonly<Record<string, string>>, config: BrokerConfig): string | undefined {
  const session = Number(own['consumer.session.timeout.ms'] ?? config.groupConsumerSessionTimeoutMs)
  const heartbeat = Number(own['consumer.heartbeat.interval.ms'] ?? config.groupConsumerHeartbeatIntervalMs)
  const checks: readonly [string, number, number, number][] = [
    [
      'consumer.session.timeout.ms',
      session,
      config.groupConsumerMinSessionTimeoutMs,
      config.groupConsumerMaxSessionTimeoutMs,
    ],
    [
      'consumer.heartbeat.interval.ms',
      heartbeat,
      config.groupConsumerMinHeartbeatIntervalMs,
      config.groupConsumerMaxHeartbeatIntervalMs,
    ],
  ]
  for (const [name, value, minimum, maximum] of checks) {
    if (own[name] === undefined) continue
    if (value < minimum) return `${name} must be greater than or equal to group.${minName(name)} (${minimum})`
    if (value > maximum) return `${name} must be less than or equal to group.${maxName(name)} (${maximum})`
  }
  return session > heartbeat
    ? undefined
    : 'consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms'
}

function minName(name: string): string {
  return name.replace('consumer.', 'consumer.min.')
}

function maxName(name: string): string {
  return name.replace('consumer.', 'consumer.max.')
}

function clamp(value: number, minimum: number, maximum: number): number {
  return Math.max(minimum, Math.min(maximum, value))
}
