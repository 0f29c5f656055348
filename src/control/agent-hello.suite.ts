import type { AgentHello } from './model.ts'

/** What an agent says of itself that runs pipelines and is special in nothing. */
export const agentHello: AgentHello = {
  identity: null,
  name: 'one',
  version: '0.0.0',
  roles: ['pipelines'],
  pipelineGroup: '',
  agentGroup: '',
  availabilityZone: '',
  nodeId: null,
  isDraining: false,
  kafkaAddress: null,
  httpAddress: null,
  startedAt: 0,
}
