import { ErrorCode } from '../kafka/index.ts'
import { always, between, type ConfigDefinition, configDefinitions } from './config-definition.ts'
import { patternProblem } from './pattern.ts'
import { defaultIntervalMs, parseMatch, telemetrySelectors } from './telemetry/subscriptions.ts'

/** The configs of a client metrics subscription (KIP-714), by name. */
export const clientMetricsConfigs = configDefinitions([
  {
    name: 'interval.ms',
    type: 'int',
    defaultOf: always(String(defaultIntervalMs)),
    check: between(100, 3_600_000),
    problemCode: ErrorCode.INVALID_REQUEST,
    documentation: 'How often clients push their metrics.',
  },
  {
    name: 'match',
    type: 'list',
    defaultOf: always(''),
    check: matchProblem,
    documentation:
      'The clients that the subscription applies to: selector=regular expression, all of which must match.',
  },
  {
    name: 'metrics',
    type: 'list',
    defaultOf: always(''),
    documentation: 'The prefixes of the names of the metrics that clients push; * stands for all.',
  },
] satisfies ConfigDefinition[])

function matchProblem(value: string): string | undefined {
  for (const [selector, pattern] of parseMatch(value)) {
    if (!telemetrySelectors.includes(selector) || pattern === '') return `Illegal client matching pattern: ${selector}`
    const problem = patternProblem(pattern)
    if (problem !== undefined) return `Illegal client matching pattern: ${problem}`
  }
  return undefined
}
