import { always, between, type ConfigDefinition, configDefinitions } from './config-definition.ts'

/** What a subscription may match clients by (KIP-714). */
const selectors = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]

/** The settings of a client metrics subscription (KIP-714), by name. */
export const clientMetricsConfigs = configDefinitions([
  {
    name: 'interval.ms',
    type: 'int',
    defaultOf: always('300000'),
    check: between(100, 3_600_000),
    documentation: 'How often clients push their metrics.',
  },
  {
    name: 'match',
    type: 'list',
    defaultOf: always(''),
    check: matchProblem,
    documentation: 'Which clients the subscription is for: selector=regular expression, all of which must match.',
  },
  {
    name: 'metrics',
    type: 'list',
    defaultOf: always(''),
    documentation: 'The prefixes of the names of the metrics that clients push; * stands for all.',
  },
] satisfies ConfigDefinition[])

function matchProblem(value: string): string | undefined {
  for (const pattern of value.split(',').filter(item => item.trim() !== '')) {
    const [selector = '', expression = ''] = pattern.split('=', 2)
    if (!selectors.includes(selector.trim())) return `Illegal client matching pattern: ${pattern}`
    if (expression === '') return `Illegal client matching pattern: ${pattern}`
  }
  return undefined
}
