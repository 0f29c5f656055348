export type {
  AgentLink,
  AgentReport,
  InstanceOrder,
  InstanceReport,
  LogReport,
  Orders,
  RelayAnswer,
  RelayQuestion,
  Traffic,
} from './agent-link.ts'
export type * from './api-types.ts'
export { type ClusterAccess, managedComponents } from './configuration/components.ts'
export { pipelineJsonSchema } from './configuration/json-schema.ts'
export { createLinter } from './configuration/linter.ts'
export { defaultSettings, readSettings } from './configuration/settings.ts'
export { ControlPlane, type ControlPlaneOptions, type DefaultCluster } from './control-plane.ts'
export { ControlError } from './errors.ts'
export type { AgentHello } from './model.ts'
export type { CheckedConfiguration, PipelineLinter } from './pipelines.ts'
export { SealingKeyError, sealingKeyBytes } from './sealing.ts'
export { ControlServer } from './server.ts'
