export { Agent, type KafkaFigures } from './agent.ts'

export { KafkaClient } from './cluster/kafka-client.ts'
export { LintThread } from './lint/lint-thread.ts'
export { PipelineHttpServer } from './pipelines/http-server.ts'
export type { SupervisorEvents } from './pipelines/instance.ts'
export { Supervisor } from './pipelines/supervisor.ts'

export { StatusServer } from './status-server.ts'
