import type { AgentHello } from './model.ts'

/** The hello of a typical agent that runs pipelines. */
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
