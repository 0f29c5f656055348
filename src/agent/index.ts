export { Agent, type KafkaFigures } from './agent.ts'

export { AgentCluster } from './brokers/agent-cluster.ts'
export { SharedAddress } from './brokers/shared-address.ts'
export { Logins } from './logins.ts'
export { type KafkaAccess, KafkaClient } from './cluster/kafka-client.ts'
export { LintThread } from './lint/lint-thread.ts'
export { PipelineHttpServer } from './pipelines/http-server.ts'
export type { SupervisorEvents } from './pipelines/instance.ts'
export { Supervisor } from './pipelines/supervisor.ts'

export { ZoneReader } from './zone/zone-reader.ts'

export { StatusServer } from './status-server.ts'
