export type {
  AgentLink,
  AgentReport,
  InstanceOrder,
  InstanceReport,
  LogReport,
  Orders,
  RelayAnswer,
  RelayedName,
  RelayQuestion,
  Traffic,
} from './agent-link.ts'
export type * from './api-types.ts'
export { type ClusterAccess, managedComponents } from './configuration/components.ts'
export { pipelineJsonSchema } from './configuration/json-schema.ts'
export { createLinter } from './configuration/linter.ts'
export { readSettings } from './configuration/settings.ts'
export { ControlPlane, type ControlPlaneOptions } from './control-plane.ts'
export { ControlError } from './errors.ts'
export type { AgentHello } from './model.ts'
export type { PipelineLinter } from './pipelines.ts'
export { ControlServer } from './server.ts'
export type { Database } from './store/database.ts'
export { openSqlite } from './store/sqlite.ts'
